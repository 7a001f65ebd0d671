"""Audio2Face's JSON of blendshape weights, which many tools import: a list of names and a matrix of weights.

Fields, as the exporter writes them: exportFps, trackPath, numPoses, numFrames, facsNames, weightMat (a row a frame),
and, where joints are exported, joints with rotations and translations a frame. Early versions write no exportFps.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from .. import channels
from ..curves import Curves, resample
from ..errors import FormatError, quoted
from ..whole import written_whole
from . import document
from .recording import Recording, by_channel

RATE = 60.0  # the exporter's own
CARRIED = channels.ARKIT
WHAT = "an Audio2Face file"
MARK = "weightMat"  # no other JSON has it


def write(path: Path, curves: Curves, rate: float = RATE, _start_s: float | None = None) -> None:
    """Writes ARKit's 52 weights a frame; head and eye rotation have no place in such a file."""
    sampled = resample(curves, rate).select(CARRIED)
    count = len(sampled.values)
    head = {
        "exportFps": int(rate) if rate == int(rate) else rate,
        "trackPath": "",
        "numPoses": len(CARRIED),
        "numFrames": count,
        "facsNames": list(CARRIED),
    }
    with written_whole(path) as file:
        file.write(json.dumps(head)[:-1] + ', "weightMat": [')
        document.write_rows(file, sampled.values)
        file.write('\n], "joints": [], "rotations": [], "translations": []}\n')


def read(path: Path, rate: float | None = None) -> Recording:
    """Weights from such a file by channel; `rate` counts where the file does not say its own."""
    return parse(path, document.load(path), rate)


def parse(path: Path, table: document.Document, rate: float | None = None) -> Recording:
    """Weights from what such a file holds."""
    if MARK not in table:
        raise FormatError(f"{quoted(path)} is not {WHAT}: it has no {MARK}")
    names = document.names(path, table.get("facsNames"), WHAT)
    values = document.numbers(path, table[MARK], len(names), WHAT)
    for field, held in (("numPoses", len(names)), ("numFrames", len(values))):
        if table.get(field, held) != held:
            raise FormatError(f"{quoted(path)}: {field} is {quoted(table[field])}, but it holds {held}; export it anew")
    notes: tuple[str, ...] = ()
    told = table.get("exportFps", rate)
    if told is None:
        told, notes = RATE, (f"it says no exportFps; {RATE:g} frames a second assumed",)
    curves = Curves(values, names, document.positive(path, told, "exportFps"))
    known = by_channel(path, Recording(curves, None, notes))
    joints = ("its joints (jaw and eyes) are left out",) if table.get("joints") else ()
    return replace(known, notes=(*known.notes, *joints))
