"""What a user can mend is a FacewrightError; its message says what, which one, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 6  # names that a message lists before it says how many more there are


class FacewrightError(Exception):
    """Something the user can mend: operators report it, the command line prints it and exits with 2."""


class AudioError(FacewrightError):
    """A sound that cannot be read, or holds nothing to animate."""


class ModelError(FacewrightError):
    """A model file that is missing, damaged, or of a kind this version cannot run."""


class SettingsError(FacewrightError):
    """A setting that does not exist or whose value is out of range."""


class RigError(FacewrightError):
    """A head that lacks the controls asked for, or whose controls cannot be keyed."""


class FormatError(FacewrightError):
    """A curve file that cannot be read or written."""


class Cancelled(Exception):
    """The user stopped the work; nothing has been written."""


def reason(error: Exception) -> str:
    """What went wrong, on one line, without the file's name that the system's errors repeat."""
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(told.split())


def on_one_line(text: str) -> str:
    """A stranger's text as a part of a line, without letters that a terminal would obey."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def quoted(name: object) -> str:
    """A file or control name as one line of a message: quotes round it, line breaks and control characters escaped."""
    return repr(str(name)).replace(r"\\", "\\")  # Windows' paths as they are typed


def listed(names: Sequence[str], most: int = SHOWN) -> str:
    """The first few of these names as a part of a message's one line, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(name if name.isprintable() else quoted(name) for name in names[:most]) + more
