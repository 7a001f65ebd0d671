"""What is said on a terminal, and what becomes of it where nobody listens."""

from __future__ import annotations

import errno
import io
import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

BAR_WIDTH = 30
INTERRUPTED = 130  # the exit status, as shells count Ctrl+C


def mend() -> None:
    """Makes stdout and stderr fit to print anything on, also where the program was started without them."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - it is for good
        elif isinstance(stream, io.TextIOWrapper):  # a terminal that lacks a letter of a file's name shows its code
            stream.reconfigure(errors="backslashreplace")


def folder(word: str) -> Path:
    """The folder that a command line names; an empty word, as a script's unset variable leaves, is not this folder."""
    if not word:
        raise ArgumentTypeError("it is empty; name a folder, or . for the one that you are in")
    return Path(word)


def hush(stream: TextIO) -> None:
    """Lets what a broken stream still holds back go nowhere."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def is_unheard(error: OSError) -> bool:
    """Whether a write failed because who read has heard enough, which Windows calls an invalid argument."""
    return isinstance(error, BrokenPipeError) or error.errno == errno.EINVAL


def put_file(text: str) -> None:
    """A file's text on stdout; what is sent on to another file, as Windows' own code would spoil it, in UTF-8."""
    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8")
    print(text, end="")


def say(text: str) -> None:
    """A line on stderr; that nobody reads it stops no work."""
    _put(f"facewright: {text}\n")


def note(text: str) -> None:
    """A line that the user should know of."""
    say(f"note: {text}")


def notes(text: str) -> None:
    """Each line of a text as such a line."""
    for line in text.splitlines():
        note(line)


def bar() -> Callable[[float], None]:
    """Progress on stderr: a bar that fills in a terminal, a line every tenth elsewhere."""
    last, live = -1, sys.stderr.isatty()

    def show(fraction: float) -> None:
        nonlocal last
        step = int(fraction * (100 if live else 10))
        if step == last:
            return
        last = step
        filled = int(fraction * BAR_WIDTH)
        drawn = f"\r[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] " if live else ""
        _put(f"{drawn}{fraction:4.0%}" + ("" if live and fraction < 1 else "\n"))

    return show


def _put(text: str) -> None:
    try:
        print(text, end="", file=sys.stderr, flush=True)
    except OSError:
        hush(sys.stderr)
