"""When a recording began, by its broadcast wave header: samples since midnight, as field recorders write them."""

from __future__ import annotations

import re
import struct
from pathlib import Path

from .timecode import DROPS, NTSC

RIFFS = (b"RIFF", b"RF64", b"BW64")
REFERENCE_AT = 338  # of the bext chunk: after description, originator, its reference, date and time
ENOUGH = REFERENCE_AT + 8
WANTED = {b"fmt ": 16, b"bext": ENOUGH, b"iXML": 65_536}  # chunks, and how much of each
MOST_CHUNKS = 1000  # a damaged file may go on forever
COUNTS_SLOWLY = re.compile(rb"<TIMECODE_RATE>\s*\d+/1001\s*</TIMECODE_RATE>")
DROPS_NUMBERS = re.compile(rb"<TIMECODE_FLAG>\s*DF\s*</TIMECODE_FLAG>")


def start_of_sound(path: Path, counts: float | None = None) -> float | None:
    """The time of day that a sound's timecode names at its first sample, in seconds; None if the file does not say.

    Samples count real time: 23.976 that drops no numbers falls behind it by 86 s a day, which its iXML chunk tells.
    Where there is none, `counts` says what the timecode counts a second.
    """
    chunks = _chunks(path)
    form, reference, told = (chunks.get(name, b"") for name in WANTED)
    if len(form) < 8 or len(reference) < ENOUGH:
        return None
    rate, samples = (int.from_bytes(number, "little") for number in (form[4:8], reference[REFERENCE_AT:]))
    if not rate or not samples:  # 0 is what recorders without a clock write
        return None
    if told:
        is_slow = bool(COUNTS_SLOWLY.search(told)) and not DROPS_NUMBERS.search(told)
    else:
        is_slow = counts is not None and counts != round(counts) and round(counts) not in DROPS
    return samples / rate * (NTSC if is_slow else 1)


def _chunks(path: Path) -> dict[bytes, bytes]:
    """What is wanted of a WAV, by the names of its chunks; nothing of what is none."""
    found: dict[bytes, bytes] = {}
    try:
        with path.open("rb") as file:
            head = file.read(12)
            if head[:4] not in RIFFS or head[8:] != b"WAVE":
                return found
            for _ in range(MOST_CHUNKS):
                name, size = file.read(4), file.read(4)
                if len(size) < 4:
                    break
                length = struct.unpack("<I", size)[0]
                body = file.read(min(length, WANTED.get(name, 0)))
                if body:
                    found.setdefault(name, body)
                file.seek(length + length % 2 - len(body), 1)
    except OSError:
        return {}
    return found
