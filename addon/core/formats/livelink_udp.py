"""Live Link Face's packets: a row of ARKit's channels, head and eyes, as Unreal Engine's Live Link hears them by UDP.

Their layout is not published; this is what open programs that feed Unreal agree on. Big-endian: version, length and
name of the device, length and name of the subject, frame and its fraction, rate as a fraction, number of values, and
the values.
"""

from __future__ import annotations

import struct

import numpy as np

from .. import channels
from ..curves import Array
from .timecode import DAY_S

PORT = 11111
VERSION = 6
ORDER = (
    *channels.ARKIT,
    *channels.HEAD,
    *("leftEyeYaw", "leftEyePitch", "leftEyeRoll", "rightEyeYaw", "rightEyePitch", "rightEyeRoll"),
)
LONGEST_NAME = 200  # bytes


def packet(values: Array, frame: int, rate: int, device: str, subject: str) -> bytes:
    """One row, (61,) over ORDER, as a packet; `frame` counts from midnight at `rate` rows a second, for days."""
    names = b"".join(struct.pack(">I", len(text)) + text for text in (device.encode(), subject.encode()))
    head = struct.pack(">B", VERSION) + names + struct.pack(">IfII", frame % (round(DAY_S) * rate), 0.0, rate, 1)
    return head + struct.pack(">B", len(ORDER)) + np.asarray(values, ">f4").tobytes()
