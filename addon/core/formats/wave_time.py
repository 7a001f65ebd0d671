"""When a recording began, by its broadcast wave header: samples since midnight, as field recorders write them."""

from __future__ import annotations

import struct
from pathlib import Path

RIFFS = (b"RIFF", b"RF64", b"BW64")
REFERENCE_AT = 338  # of the bext chunk: after description, originator, its reference, date and time
ENOUGH = REFERENCE_AT + 8
MOST_CHUNKS = 1000  # a damaged file may go on forever


def start_of_sound(path: Path) -> float | None:
    """The time of day of a sound's first sample, in seconds; None if the file does not say."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
            if head[:4] not in RIFFS or head[8:] != b"WAVE":
                return None
            rate, samples = 0, None
            for _ in range(MOST_CHUNKS):
                name, size = file.read(4), file.read(4)
                if len(size) < 4 or (rate and samples is not None):
                    break
                length = struct.unpack("<I", size)[0]
                body = file.read(min(length, ENOUGH)) if name in (b"fmt ", b"bext") else b""
                if name == b"fmt " and len(body) >= 8:
                    rate = struct.unpack("<I", body[4:8])[0]
                if name == b"bext" and len(body) >= ENOUGH:
                    samples = struct.unpack("<Q", body[REFERENCE_AT:ENOUGH])[0]
                file.seek(length + length % 2 - len(body), 1)
    except OSError:
        return None
    return samples / rate if rate and samples else None  # 0 is what recorders without a clock write
