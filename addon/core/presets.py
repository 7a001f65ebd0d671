"""Presets: settings by name, in the TOML that `--settings` reads too; Facewright's own and the user's."""

from __future__ import annotations

import difflib
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from . import settings as core_settings
from .errors import SettingsError, listed, on_one_line, quoted
from .settings import DEFAULTS, ModelSettings, Settings
from .whole import FORBIDDEN, is_device, make_folder, written_whole

OURS = Path(__file__).parent.parent / "presets"
FOLDER_VARIABLE = "FACEWRIGHT_PRESETS"
SUFFIX = ".toml"
MAX_LETTERS = 60


@dataclass(frozen=True)
class Preset:
    """A file of settings, called by its name; its first line, if it is a comment, says what it is for."""

    path: Path

    @property
    def name(self) -> str:
        """The file's name as it is shown and asked for; case and underscores do not matter."""
        return self.path.stem

    @property
    def about(self) -> str:
        """What it is for, in a sentence; empty if it does not say."""
        try:
            first = self.path.read_text(encoding="utf-8-sig").partition("\n")[0]
        except (OSError, UnicodeDecodeError):  # loading it will say what is wrong
            return ""
        return on_one_line(first.lstrip("# ")) if first.startswith("#") else ""


def user_folder() -> Path:
    """Where the user's own presets lie: FACEWRIGHT_PRESETS, or the system's place for configuration."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return _at_home(named)
    if (base := _configuration()) is None:
        raise SettingsError(f"nobody here has a home to keep presets in; name a folder in {FOLDER_VARIABLE}")
    return base / "facewright" / "presets"


def user_folders() -> tuple[Path, ...]:
    """The same folder to look in; none for who has no home, as in a farm's container."""
    is_nowhere = not os.environ.get(FOLDER_VARIABLE) and _configuration() is None
    return () if is_nowhere else (user_folder(),)


def every(*folders: Path) -> list[Preset]:
    """Facewright's presets by name, then those of the folders; one that is not there, or cannot be read, holds none.

    What is hidden (`._mine.toml` of macOS, on a share) is none.
    """
    return [Preset(path) for folder in (OURS, *folders) for path in _files(folder)]


def find(name: str, *folders: Path) -> Preset:
    """The preset of that name, a user's before ours, or the one in the file named."""
    if name.lower().endswith(SUFFIX):
        return Preset(_at_home(name))
    known = {_plain(preset.name): preset for preset in every(*folders)}
    if (found := known.get(_plain(name))) is None:
        near = difflib.get_close_matches(_plain(name), list(known), 1)
        hint = f" (did you mean {listed([known[near[0]].name])}?)" if near else ""
        names = listed([preset.name for preset in known.values()], len(known))
        raise SettingsError(f"there is no preset {quoted(name)}{hint}; choose {names}, or name a .toml file")
    return found


def load(name: str, *folders: Path, base: Settings = DEFAULTS) -> Settings:
    """The settings of a preset over `base`."""
    return core_settings.load(find(name, *folders).path, base)


def save(folder: Path, name: str, settings: Settings, about: str = "") -> Preset:
    """Writes what of the settings differs from how they come as a preset of the folder, over one of that name."""
    name = name.strip()
    if not name or name.startswith(".") or len(name) > MAX_LETTERS or any(c in FORBIDDEN or c < " " for c in name):
        raise SettingsError(f"{quoted(name)} cannot be a preset's name; use letters, digits and blanks")
    if name.lower().endswith(SUFFIX):  # that would be asked for as a file
        raise SettingsError(f"{quoted(name)} cannot be a preset's name; leave out {SUFFIX}")
    if is_device(name):
        raise SettingsError(f"{quoted(name)} cannot be a preset's name, for on Windows it is a device; choose another")
    if _plain(name) in {_plain(preset.name) for preset in every()}:
        raise SettingsError(f"{quoted(name)} is one of Facewright's own presets; choose another name")
    own = {_plain(preset.name): preset.path for preset in every(folder)}
    path = own.get(_plain(name), folder / f"{name}{SUFFIX}")
    make_folder(folder)
    told = on_one_line(about)  # TOML takes no other letters
    heading = f"# {told}\n\n" if told else ""
    with written_whole(path) as file:
        file.write(heading + changes(settings))
    return Preset(path)


def changes(settings: Settings) -> str:
    """TOML of what differs from how settings come; neither the seed nor the model is a matter of a preset."""
    plain = core_settings.dumps(DEFAULTS).splitlines()
    ours = core_settings.dumps(replace(settings, seed=0, model=ModelSettings())).splitlines()
    lines: list[str] = []
    heading = ""
    for before, after in zip(plain, ours, strict=True):
        if after.startswith("["):
            heading = after
        elif before != after:
            lines += [heading] if not lines else ["", heading] if heading not in lines else []
            lines.append(after)
    return "\n".join(lines) + ("\n" if lines else "")


def _configuration() -> Path | None:
    """The system's place for configuration; None for who has no home."""
    if sys.platform == "win32":
        told, usual = os.environ.get("APPDATA"), "~/AppData/Roaming"
    elif sys.platform == "darwin":
        told, usual = None, "~/Library/Application Support"
    else:
        told, usual = os.environ.get("XDG_CONFIG_HOME"), "~/.config"
    try:
        return Path(told) if told else Path(usual).expanduser()
    except RuntimeError:
        return None


def _at_home(path: str) -> Path:
    """The path with its ~ or ~name as the home that it means."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise SettingsError(f"{quoted(path)}: nobody here has that home; write the whole path") from error


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob(f"[!.]*{SUFFIX}"), key=_key)
    except OSError:  # such as a name too long for any folder; whoever saves there is told
        return []


def _plain(name: str) -> str:
    return name.casefold().replace("_", " ").strip()


def _key(path: Path) -> str:
    return _plain(path.stem)
