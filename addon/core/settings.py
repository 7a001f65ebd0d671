"""Every option, explained once; the command line, the panel and batch manifests read the same TOML."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from .errors import SettingsError, quoted

MAX_SEED = 2**31 - 1  # what an integer property in Blender can hold


def _option(default: Any, low: float = 0.0, high: float = 1.0) -> Any:
    return field(default=default, metadata={"low": low, "high": high})


def _seed() -> Any:
    return _option(0, 0, MAX_SEED)


@dataclass(frozen=True)
class _Checked:
    """Refuses a value of the wrong type or out of range, naming it."""

    def __post_init__(self) -> None:
        section = type(self).__name__.removesuffix("Settings").lower()  # BlinkSettings is [blink]
        section = f"{section}." if section else ""
        for item in fields(self):
            value = getattr(self, item.name)
            name = f"{section}{item.name}"
            if isinstance(item.default, int | float) and not isinstance(item.default, bool):
                _check_number(name, value, item.metadata["low"], item.metadata["high"], type(item.default))
            elif isinstance(item.default, str) and not isinstance(value, str):
                raise SettingsError(f"{name} must be text, not {value!r}")


def _check_number(name: str, value: object, low: float, high: float, kind: type) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise SettingsError(f"{name} must be a number, not {value!r}")
    if kind is int and not isinstance(value, int):
        raise SettingsError(f"{name} must be a whole number, not {value!r}")
    if not low <= value <= high:
        raise SettingsError(f"{name} must be {low:.10g} to {high:.10g}, not {value!r}")


@dataclass(frozen=True)
class ModelSettings(_Checked):
    """Which network listens, where it runs, and how much sound it takes at once."""

    path: str = ""  # empty: the bundled model
    device: str = "auto"  # auto, cpu, cuda, coreml or dml
    threads: int = _option(1, 1, 256)
    window_s: float = _option(60.0, 1.0, 120.0)  # results do not depend on it, memory does
    style: int = _option(0, 0, 10_000)  # which actor, for models that know several


@dataclass(frozen=True)
class ArticulationSettings(_Checked):
    """Effort of the jaw and of the lips, from mumbling (0.5) to enunciating (1.5): two axes (Edwards et al. 2016)."""

    amount: float = _option(1.0)
    jaw: float = _option(1.0, 0.0, 2.0)
    lips: float = _option(1.0, 0.0, 2.0)
    seal_from: float = _option(0.6, 0.05, 1.0)  # mouthClose's share of jawOpen from which a closure is no longer half


@dataclass(frozen=True)
class SmoothSettings(_Checked):
    """Takes the tremble out of what the model gives; closures stay closed."""

    amount: float = _option(1.0)
    width_s: float = _option(0.016, 0.0, 0.2)  # standard deviation of the kernel


@dataclass(frozen=True)
class BrowsSettings(_Checked):
    """Brows that rise on accented syllables."""

    amount: float = _option(1.0)
    raise_by: float = _option(0.35)  # browInnerUp on the strongest accent
    seed: int = _seed()


@dataclass(frozen=True)
class BlinkSettings(_Checked):
    """Blinks a minute at rest and while talking (Bentivoglio et al. 1997), and how long one lasts."""

    amount: float = _option(1.0)
    per_minute: float = _option(17.0, 0.0, 60.0)  # adults at rest
    per_minute_talking: float = _option(26.0, 0.0, 60.0)
    duration_s: float = _option(0.265, 0.1, 1.0)  # 233 to 300 ms
    seed: int = _seed()


@dataclass(frozen=True)
class GazeSettings(_Checked):
    """Eyes that fixate, leap and look away; `at_listener` is the share of talking time spent on the listener."""

    amount: float = _option(1.0)
    at_listener: float = _option(0.41)  # speakers; listeners look about 75 % of the time (Argyle and Cook 1976)
    spread_deg: float = _option(9.0, 0.0, 30.0)  # how far a look away goes, typically
    seed: int = _seed()


@dataclass(frozen=True)
class HeadSettings(_Checked):
    """A head that nods on stress, follows pitch and sways a little at rest."""

    amount: float = _option(1.0)
    nod_deg: float = _option(4.0, 0.0, 20.0)  # on the strongest accent
    sway_deg: float = _option(1.2, 0.0, 10.0)  # standing still is never quite still
    seed: int = _seed()


@dataclass(frozen=True)
class Settings(_Checked):
    """All of them, and the take's seed, which every layer adds to its own."""

    seed: int = _seed()
    model: ModelSettings = ModelSettings()
    articulation: ArticulationSettings = ArticulationSettings()
    smooth: SmoothSettings = SmoothSettings()
    brows: BrowsSettings = BrowsSettings()
    head: HeadSettings = HeadSettings()
    gaze: GazeSettings = GazeSettings()
    blink: BlinkSettings = BlinkSettings()


Section = TypeVar("Section", BrowsSettings, BlinkSettings, GazeSettings, HeadSettings)


DEFAULTS = Settings()


def load(path: Path) -> Settings:
    """Settings from a TOML file; what it does not name keeps its default."""
    try:
        return loads(path.read_text(encoding="utf-8-sig"))  # Windows' editors write a mark first
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise SettingsError(f"settings file {quoted(path)} cannot be read: {reason}") from error


def loads(text: str) -> Settings:
    """Settings from TOML text; an unknown key is an error that names it."""
    settings: Settings = _build(Settings(), tomllib.loads(text), "")
    return settings


def dumps(settings: Settings) -> str:
    """TOML that `loads` turns back into the same settings."""
    lines = [_line(item.name, getattr(settings, item.name)) for item in fields(settings) if _is_plain(item.default)]
    for item in fields(settings):
        section = getattr(settings, item.name)
        if not _is_plain(item.default):
            lines += ["", f"[{item.name}]", *(_line(key.name, getattr(section, key.name)) for key in fields(section))]
    return "\n".join(lines) + "\n"


def seeded(settings: Section, seed: int) -> Section:
    """A layer's settings with the take's seed added to its own, so that one number varies the whole take."""
    return replace(settings, seed=(settings.seed + seed) % (MAX_SEED + 1))


def _is_plain(default: object) -> bool:
    return isinstance(default, int | float | str)


def _line(name: str, value: object) -> str:
    if isinstance(value, str):
        escaped = "".join(f"\\u{ord(c):04X}" if ord(c) < 32 or c in '"\\\x7f' else c for c in value)
        return f'{name} = "{escaped}"'
    return f"{name} = {value!r}"


def _build(base: Any, table: dict[str, Any], prefix: str) -> Any:
    known = {item.name: item for item in fields(base)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise SettingsError(f"unknown setting {quoted(prefix + key)}; here can stand {', '.join(known)}")
        default = known[key].default
        if _is_plain(default):
            is_whole = isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool)
            values[key] = float(value) if is_whole else value
        elif isinstance(value, dict):
            values[key] = _build(getattr(base, key), value, f"{prefix}{key}.")
        else:
            raise SettingsError(f"{quoted(prefix + key)} is a table: write [{prefix}{key}]")
    return replace(base, **values)
