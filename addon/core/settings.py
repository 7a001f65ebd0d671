"""Every option, explained once; the command line, the panel and batch manifests read the same TOML."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from . import emotions
from .errors import SettingsError, quoted, reason

MAX_SEED = 2**31 - 1  # what an integer property in Blender can hold


def _option(default: Any, low: float = 0.0, high: float = 1.0, about: str = "") -> Any:
    """A setting with its range; `about` is what the panel's tooltip and the manual say of it."""
    return field(default=default, metadata={"low": low, "high": high, "about": about})


def _text(default: str, about: str) -> Any:
    return field(default=default, metadata={"about": about})


def _amount(about: str) -> Any:
    return _option(1.0, about=about)


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


@dataclass(frozen=True)
class _Seeded(_Checked):
    """A layer that draws: its own seed varies it alone."""

    seed: int = _option(0, 0, MAX_SEED, about="Another number varies this layer alone")


def _check_number(name: str, value: object, low: float, high: float, kind: type) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SettingsError(f"{name} must be a number, not {value!r}")
    if kind is int and not isinstance(value, int):
        raise SettingsError(f"{name} must be a whole number, not {value!r}")
    if isinstance(value, int) and abs(value) > MAX_SEED:
        raise SettingsError(f"{name} must be {low:.10g} to {high:.10g}, not a number of {value.bit_length()} bits")
    if isinstance(value, float) and not math.isfinite(value):
        raise SettingsError(f"{name} must be a number, not {value!r}")
    if not low <= value <= high:
        raise SettingsError(f"{name} must be {low:.10g} to {high:.10g}, not {value!r}")


@dataclass(frozen=True)
class ModelSettings(_Checked):
    """Which network listens, where it runs, and how much sound it takes at once."""

    path: str = _text("", "A model file; empty: Facewright's own; fast: its smaller one, of half the work")
    device: str = _text("auto", "auto, cpu, cuda, coreml or dml")
    threads: int = _option(1, 1, 256, about="Processor cores that the model may use")
    window_s: float = _option(
        60.0, 1.0, 120.0, about="How much sound is heard at once; memory depends on it, results by rounding only"
    )
    style: int = _option(0, 0, 10_000, about="Which actor, for models that know several")


@dataclass(frozen=True)
class ArticulationSettings(_Seeded):
    """Effort of the jaw and of the lips, from mumbling (0.5) to enunciating (1.5): two axes (Edwards et al. 2016)."""

    amount: float = _amount("How much of this layer is done; at 0 the mouth is as the model has it")
    jaw: float = _option(1.0, 0.0, 2.0, about="How far the jaw moves: below 1 mumbles, above 1 enunciates")
    lips: float = _option(1.0, 0.0, 2.0, about="How much the lips shape: below 1 mumbles, above 1 enunciates")
    upper_lip: float = _option(1.0, 0.0, 2.0, about="How much the upper lip moves; below 1 it is stiff")
    seal_from: float = _option(  # mouthClose's share of jawOpen
        0.6, 0.05, 1.0, about="From this much closed on, lips close wholly: lower seals more of what is half closed"
    )
    asymmetry: float = _option(  # real takes: .01 to .12, mostly .04
        0.04, 0.0, 0.5, about="How far left and right side of the mouth differ"
    )


@dataclass(frozen=True)
class SmoothSettings(_Checked):
    """Takes the tremble out of what the model gives; closures stay closed, f and v stay at the teeth."""

    amount: float = _amount("How much of the smoothing is done")
    width_s: float = _option(  # standard deviation of the kernel
        0.016, 0.0, 0.2, about="How far in time the mouth is smoothed: longer is softer"
    )


@dataclass(frozen=True)
class EmotionSettings(_Seeded):
    """Eight emotions, held through the line, keyed by marks, or estimated from the voice; the lips still close."""

    amount: float = _amount("How much of the emotion is shown")
    neutral: float = _option(0.0, about="Holds the other emotions back by this share")
    joy: float = _option(0.0, about="Smiling eyes and mouth")
    sadness: float = _option(0.0, about="Inner brows up, corners of the mouth down")
    anger: float = _option(0.0, about="Brows down, eyes hard, lips tight")
    fear: float = _option(0.0, about="Brows up and drawn together, eyes wide")
    disgust: float = _option(0.0, about="Nose wrinkled, upper lip up")
    surprise: float = _option(0.0, about="Brows and lids up, jaw loose")
    contempt: float = _option(0.0, about="One corner of the mouth drawn back")
    track: str = _text(  # in a preset for one line; in Blender markers write it
        "",
        "Marks that take over from the sliders, in seconds of the line: 0.5 joy 0.6; 2 anger 0.8 fear 0.2; 4 neutral",
    )
    transition_s: float = _option(0.6, 0.04, 10.0, about="How long the face takes from one mark's emotion to the next")
    from_voice: float = _option(  # a rule, see the docs
        0.0, about="How far arousal and mood heard in the voice add to it: loud and high is excited"
    )
    on_mouth: float = _option(
        0.5, about="How much of the emotion the mouth keeps while it speaks; in pauses it keeps all of it"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        emotions.marks(self.track)  # refused here, with the mark's text

    @property
    def mood(self) -> emotions.Mood:
        """The weights that are held where no mark says otherwise."""
        return tuple(getattr(self, name) for name in emotions.NAMES)

    def directed(self, text: str) -> EmotionSettings:
        """The same with what a text asks for: a mood to hold (`joy 0.6`), or a track if it has a time, or parts."""
        text = text.strip("; \t\n")
        if text[:1] in tuple("0123456789.-+") or ";" in text:
            return replace(self, track=text)
        weights: dict[str, Any] = dict(zip(emotions.NAMES, emotions.mood(text), strict=True))
        return replace(self, track="", **weights)


@dataclass(frozen=True)
class BrowsSettings(_Seeded):
    """Brows and cheeks that rise on accented syllables."""

    amount: float = _amount("How much brows and cheeks follow the voice")
    raise_by: float = _option(0.35, about="How far the brows rise on the strongest accent")
    frown_by: float = _option(0.18, about="How far they frown on accents that are loud rather than high")
    cheeks_by: float = _option(0.12, about="How far the cheeks rise on the strongest accent")


@dataclass(frozen=True)
class BlinkSettings(_Seeded):
    """Blinks a minute at rest and while talking (Bentivoglio et al. 1997), and how long one lasts."""

    amount: float = _amount("The share of the blinks that are done; 0 never blinks")
    per_minute: float = _option(17.0, 0.0, 60.0, about="Blinks a minute in pauses; adults at rest: 17")
    per_minute_talking: float = _option(26.0, 0.0, 60.0, about="Blinks a minute while talking; adults: 26")
    duration_s: float = _option(0.265, 0.1, 1.0, about="How long a blink lasts; people: 0.23 to 0.3 s")
    doubles: float = _option(0.06, about="The share of blinks that a second one follows at once")
    with_gaze: float = _option(0.6, about="How readily a blink that is due waits for a large shift of gaze")


@dataclass(frozen=True)
class GazeSettings(_Seeded):
    """Eyes that fixate, leap and look away; `at_listener` is the share of talking time spent on the listener."""

    amount: float = _amount("How much the eyes move; 0 looks straight ahead")
    at_listener: float = _option(  # listeners look about 75 % of the time (Argyle and Cook 1976)
        0.41, about="The share of talking time spent looking at the listener, or at the target"
    )
    spread_deg: float = _option(9.0, 0.0, 30.0, about="How far a look away goes, typically")
    planning: float = _option(
        0.7, about="The share of looks away that begin just before a phrase, while it is being planned"
    )


@dataclass(frozen=True)
class HeadSettings(_Seeded):
    """A head that nods on stress, follows pitch and sways a little at rest."""

    amount: float = _amount("How much the head moves")
    nod_deg: float = _option(4.0, 0.0, 20.0, about="How far the head nods on the strongest accent")
    sway_deg: float = _option(1.2, 0.0, 10.0, about="How far the head sways; standing still is never quite still")
    joins_from_deg: float = _option(17.0, 0.0, 60.0, about="Looks further aside than this turn the head too")


@dataclass(frozen=True)
class BreathSettings(_Seeded):
    """A breath before each phrase that has a pause before it: nostrils flare, the jaw drops a little."""

    amount: float = _amount("How much of each breath is shown")
    nostrils: float = _option(0.15, about="How far the nostrils flare at the height of a full breath")
    jaw: float = _option(0.025, 0.0, 0.3, about="How far the jaw drops there")


@dataclass(frozen=True)
class MicroSettings(_Seeded):
    """Micro-expressions: small, on one side, gone within half a second (Yan et al. 2013)."""

    amount: float = _amount("How much of each micro-expression is shown")
    per_minute: float = _option(6.0, 0.0, 60.0, about="Micro-expressions a minute")
    size: float = _option(0.12, 0.0, 0.5, about="How large one is at most, as a share of a shape")


@dataclass(frozen=True)
class Settings(_Checked):
    """All of them, and the take's seed, which every layer adds to its own."""

    seed: int = _option(0, 0, MAX_SEED, about="Another number gives another take of the same words")
    model: ModelSettings = ModelSettings()
    articulation: ArticulationSettings = ArticulationSettings()
    smooth: SmoothSettings = SmoothSettings()
    emotion: EmotionSettings = EmotionSettings()
    brows: BrowsSettings = BrowsSettings()
    breath: BreathSettings = BreathSettings()
    micro: MicroSettings = MicroSettings()
    head: HeadSettings = HeadSettings()
    gaze: GazeSettings = GazeSettings()
    blink: BlinkSettings = BlinkSettings()


Section = TypeVar("Section", bound=_Seeded)


DEFAULTS = Settings()


def load(path: Path, base: Settings = DEFAULTS) -> Settings:
    """Settings from a TOML file; what it does not name stays as it is in `base`."""
    try:
        return loads(path.read_text(encoding="utf-8-sig"), base)  # Windows' editors write a mark first
    except UnicodeDecodeError as error:  # as of PowerShell's > on Windows
        raise SettingsError(f"settings file {quoted(path)} cannot be read: save it as UTF-8") from error
    except (OSError, ValueError, RecursionError) as error:  # also a number of thousands of digits
        raise SettingsError(f"settings file {quoted(path)} cannot be read: {reason(error)}") from error
    except SettingsError as error:
        raise SettingsError(f"settings file {quoted(path)}: {error}") from error


def loads(text: str, base: Settings = DEFAULTS) -> Settings:
    """Settings from TOML text over `base`; an unknown key is an error that names it."""
    settings: Settings = _build(base, tomllib.loads(text), "")
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
            values[key] = float(value) if is_whole and abs(value) <= MAX_SEED else value
        elif isinstance(value, dict):
            values[key] = _build(getattr(base, key), value, f"{prefix}{key}.")
        else:
            raise SettingsError(f"{quoted(prefix + key)} is a table: write [{prefix}{key}]")
    return replace(base, **values)
