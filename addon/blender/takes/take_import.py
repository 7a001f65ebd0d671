"""A captured take onto a head: read, put in step with its sound, and baked like any other performance."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import bpy

from ...core import audio, capture, formats
from ...core.errors import FormatError, quoted
from ...core.formats import timecode, wave_time
from ...core.settings import Settings
from ...core.whole import is_there
from ..base import hearing, sound
from ..head import rig
from . import bake

START, TIMECODE, OFFSET = "START", "TIMECODE", "OFFSET"
HALF_DAY_S = timecode.DAY_S / 2
SOUNDS = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff")  # looked for beside a capture


@dataclass(frozen=True)
class Order:
    """What to import, and where in the scene it belongs."""

    path: Path
    frame: int = 1  # on which the sound starts, or the capture if it has none
    sound: str = ""  # as the user wrote it
    align: str = START
    offset_s: float = 0.0  # how much later than the sound the capture begins
    at: str = ""  # for TIMECODE: the timecode of the start frame; empty: when the sound began
    rate: float | None = None  # of the capture, where its timecode can't tell
    layers: Collection[str] = ()  # of capture.LAYERS
    limit_closing: bool = False


def sound_beside(path: Path) -> str:
    """The sound file of the capture's own name in its folder; empty if there is none."""
    found = (path.with_suffix(suffix) for suffix in SOUNDS if path.name)  # none: the root of a disk was chosen
    return next((str(sound) for sound in found if is_there(sound)), "")


def run(
    scene: bpy.types.Scene, head: bpy.types.Object | None, order: Order, settings: Settings, fit: bool = True
) -> bake.Report:
    """Bakes a captured take, and puts its sound into the sequencer; nothing is written unless all of it can be."""
    rig.examine(scene, head)
    recording = formats.record(order.path, order.rate)
    line = sound.from_file(order.sound, order.frame) if order.sound else None
    if line:
        audio.open_sound(line.path)  # refused before anything is written
    performance = _performance(scene, order, recording, line, settings)
    report = bake.write(scene, head, performance, fit)
    note = sound.place(scene, line) if line else None
    return replace(report, notes=(*report.notes, note)) if note else report


def _performance(
    scene: bpy.types.Scene, order: Order, recording: formats.Recording, line: sound.Line | None, settings: Settings
) -> bake.Performance:
    fps = sound.fps(scene)
    late_s = _late_s(order, recording, line, fps)
    first = math.ceil(late_s * fps - 1e-6)  # frames after the start frame
    curves = capture.from_s(recording.curves, first / fps - late_s)
    if not len(curves.values):
        raise FormatError(f"{quoted(order.path)} holds no frame with a face; export the take again")
    curves = capture.with_both_gazes(curves)
    if order.limit_closing:
        curves = capture.closed_no_further_than_the_jaw(curves)
    heard = hearing.listen(line, settings.model) if line and order.layers else None
    curves = capture.with_layers(curves, order.layers, settings, heard, first / fps)
    where = sound.Line(order.path, order.path.name.split(".")[0], order.frame + first)  # no sound of its own to place
    return bake.Performance(where, curves, recording.notes)


def _late_s(order: Order, recording: formats.Recording, line: sound.Line | None, fps: float) -> float:
    """How many seconds after the start frame the capture begins."""
    if order.align == OFFSET:
        if not math.isfinite(order.offset_s):  # a script's: no field of Blender's takes it
            raise FormatError(f"the offset is {order.offset_s}; give seconds")
        return order.offset_s
    if order.align == START:
        return 0.0
    if recording.start_s is None:
        raise FormatError(f"{quoted(order.path)} has no timecode; align it at its start, or by an offset")
    if order.at:
        reference = timecode.of_day(order.at, fps)
        if reference is None:
            raise FormatError(f"{quoted(order.at)} is no timecode at {fps:.5g} fps; write it as HH:MM:SS:FF")
    else:
        reference = wave_time.start_of_sound(line.path, order.rate) if line else None
        if reference is None:
            what = f"{quoted(line.path.name)} does not say when it began" if line else "no sound is chosen"
            raise FormatError(f"{what}; give the timecode of the start frame")
    late_s = (recording.start_s - reference + HALF_DAY_S) % timecode.DAY_S - HALF_DAY_S
    if abs(late_s) > 3600:
        begins = timecode.timecode(0, 60.0, recording.start_s)[:11]
        raise FormatError(
            f"{quoted(order.path)} begins at {begins}, {abs(late_s) / 3600:.1f} hours away; align it otherwise"
        )
    return late_s / timecode.NTSC if recording.is_slow else late_s


__all__ = ["OFFSET", "START", "TIMECODE", "Order", "run", "sound_beside"]
