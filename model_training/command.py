"""How every command of the trainer ends: done, one line on what the user can mend, or stopped to go on another time."""

from __future__ import annotations

import errno
import io
import os
import sys
from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Callable

from addon.core.errors import FacewrightError, reason

MENDABLE = 2  # exit status of what the user can mend
INTERRUPTED = 130  # as shells count Ctrl+C
FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}  # disk, size of a file, quota


def finish(work: Callable[[], str]) -> int:
    """Do the work and print what it has to say; returns the exit status, 0 when it was done."""
    print_anything()
    try:
        _say(work())
    except FacewrightError as error:
        print(f"error: {error}", file=sys.stderr)
        return MENDABLE
    except OSError as error:
        print(f"error: {refused(error)}", file=sys.stderr)
        return MENDABLE
    except KeyboardInterrupt:
        print("\nstopped; run the same command again to go on", file=sys.stderr)
        return INTERRUPTED
    return 0


def _say(told: str) -> None:
    try:
        print(told, flush=True)
    except BrokenPipeError:  # who reads has heard enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_anything() -> None:
    """Have stdout and stderr show the code of a letter that they lack, as files and pipes of Windows lack most."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def refused(error: OSError) -> str:
    """What the system would not do, in a line."""
    place = repr(str(error.filename)) if error.filename else "a file"
    if error.errno in FULL:
        return f"cannot write {place} ({reason(error)}): make room, and run the same command again"
    return f"cannot use {place} ({reason(error)}): choose another, or mend it, and run the same command again"


def whole_number(told: str) -> int:
    """How many lines or pictures an option asks for: 0 or more."""
    if (count := int(told)) < 0:
        raise ArgumentTypeError(f"must be 0 or more, not {count}")
    return count


def one_line(told: str) -> str:
    """What an option says of a model: a line that its card can hold."""
    if not told.strip() or len(told.splitlines()) > 1 or told != told.encode(errors="ignore").decode():
        raise ArgumentTypeError(f"must be a line of UTF-8 text, not {told!r}")
    return told


def tally(outcome: Counter[str]) -> str:
    """What was kept and what was dropped, most frequent first, a line each."""
    return "\n".join(f"{count:6d} {what}" for what, count in outcome.most_common())
