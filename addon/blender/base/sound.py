"""A spoken line in the scene: a file or a sequencer strip, which part of it is heard, and at which frame."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ...core import audio
from ...core import curves as core_curves
from ...core.curves import Curves
from ...core.errors import AudioError, FacewrightError, quoted
from ...core.whole import bytes_written_whole, is_there
from . import compat

LAST_FRAME = 1_048_574  # Blender's MAXFRAME; MINAFRAME is as far the other way


@dataclass(frozen=True)
class Line:
    """Speech to animate: where it lies, what part of it is heard, and the frame on which that part starts."""

    path: Path
    name: str  # what actions and messages call it
    frame: int
    start_s: float = 0.0  # of the part that is heard, in the file
    end_s: float = float("inf")
    filepath: str = ""  # as the user wrote it, maybe relative to the .blend; empty if a strip plays it already
    frames: int | None = None  # how many the strip lasts; None: as many as the sound begins
    stretch: float = 1.0  # how much longer it lasts than it was recorded

    @property
    def is_trimmed(self) -> bool:
        """Whether a part of the file is not heard."""
        return self.start_s > 0 or self.end_s < float("inf")


def fps(scene: bpy.types.Scene) -> float:
    """Frames a second, 23.976 and 29.97 too."""
    return scene.render.fps / scene.render.fps_base


def from_file(filepath: str, frame: int) -> Line:
    """The line in a sound file, from `frame` on; `//` starts at the .blend."""
    if not filepath:
        raise AudioError("no sound is chosen; choose a recorded line")
    path = Path(bpy.path.abspath(filepath))
    if not is_there(path):
        raise AudioError(f"sound file {quoted(path)} does not exist; choose it again")
    return Line(path, path.stem, frame, filepath=filepath)


def from_strip(scene: bpy.types.Scene, name: str) -> Line:
    """The line that a sound strip plays: only the part between its handles, on the frames where it is heard."""
    strip = next((strip for strip in compat.sound_strips(scene) if strip.name == name), None)
    if strip is None or strip.sound is None:
        raise AudioError(_no_strip(scene, name))
    if len(strip.retiming_keys):
        raise AudioError(f"strip {quoted(name)} is retimed; render it to a sound file and choose that")
    whole, first, last = compat.span(strip)
    path = file_of(strip.sound)
    frame = max(round(first), round(whole))  # a handle may be pulled out beyond the sound, where nothing is heard
    start_s = max(0.0, (frame - whole) / fps(scene)) if first > whole else 0.0
    end_s = (last - whole) / fps(scene)
    if end_s >= audio.open_sound(path).duration_s - 1 / fps(scene):
        end_s = float("inf")  # strips end on whole frames, sounds do not
    return Line(path, name, frame, start_s, end_s, frames=max(1, round(last) - frame))


def _no_strip(scene: bpy.types.Scene, name: str) -> str:
    """What to tell of a strip that is not in the scene's sequencer: it may be in that of another."""
    others = (other for other in bpy.data.scenes if other != scene)
    other = next((each for each in others if any(strip.name == name for strip in compat.sound_strips(each))), None)
    if other is None:
        return f"the sequencer has no sound strip {quoted(name)}; choose one that is there"
    where = f"in the sequencer of scene {quoted(other.name)}, not of {quoted(scene.name)}"
    return f"strip {quoted(name)} is {where}; animate it there, or copy it here"


def heard(line: Line, note: audio.Note | None = None) -> Path | audio.Audio:
    """What the model shall hear: the file, or only the part of it between the strip's handles. Never touches bpy."""
    if not line.is_trimmed:
        return line.path
    first = round(line.start_s * audio.RATE)
    last = line.end_s * audio.RATE
    seen, parts = 0, []
    for block in audio.open_sound(line.path).blocks(note):
        parts.append(block[max(0, first - seen) : int(max(0.0, min(last - seen, len(block))))])
        seen += len(block)
        if seen >= last:
            break
    samples = np.concatenate(parts)
    if not len(samples):
        raise AudioError(f"strip {quoted(line.name)} plays nothing of {quoted(line.path.name)}; move its handles")
    return audio.Audio(samples, audio.RATE)


def on_frames(scene: bpy.types.Scene, line: Line, curves: Curves) -> Curves:
    """The curves with a row for each frame of the line, which ends with its strip; refused where Blender has none."""
    last = line.frame + curves.duration_s * fps(scene)
    if line.frame < -LAST_FRAME or last > LAST_FRAME:
        raise FacewrightError(
            f"{quoted(line.name)} would lie on frames {line.frame:.7g} to {last:.7g}, and Blender has {-LAST_FRAME} to "
            f"{LAST_FRAME}; let it begin elsewhere, or look at the scene's frame rate"
        )
    sampled = core_curves.resample(curves, fps(scene))
    return Curves(sampled.values[: line.frames], sampled.names, sampled.rate)


def place(scene: bpy.types.Scene, line: Line) -> str | None:
    """Puts the line's sound in the sequencer unless it is there; a note if that cannot be, or if it is heard twice."""
    if not line.filepath or _is_placed(scene, line):
        return None
    last = line.frame + audio.open_sound(line.path).duration_s * fps(scene)
    heard = [strip for strip in _playing(scene, line) if not compat.is_muted(scene, strip)]
    twice = [strip.name for strip in heard if _overlaps(strip, line.frame, last - 1)]
    taken = {strip.channel for strip in compat.strips(scene) if _overlaps(strip, line.frame, last)}
    channel = next(channel for channel in range(1, len(taken) + 2) if channel not in taken)
    try:
        compat.strips(scene).new_sound(line.name, line.filepath, channel, line.frame)
    except RuntimeError:  # a Blender built without audio
        return "this Blender has no audio, so the sound is not in the sequencer"
    return f"strip {quoted(twice[0])} plays the same sound over it; delete the one that is not meant" if twice else None


def is_elsewhere(scene: bpy.types.Scene, line: Line, first: int, last: int) -> bool:
    """Whether the sequencer plays the line's file, and not on these frames."""
    strips = [strip for strip in _playing(scene, line) if not compat.is_muted(scene, strip)]
    return bool(strips) and not any(_overlaps(strip, first, last) for strip in strips)


def _playing(scene: bpy.types.Scene, line: Line) -> list[Any]:
    """The strips that play the line's file."""
    return [strip for strip in compat.sound_strips(scene) if strip.sound and plays(strip.sound, line.path)]


def _is_placed(scene: bpy.types.Scene, line: Line) -> bool:
    spans = [compat.span(strip) for strip in _playing(scene, line)]
    return any(whole == first == line.frame for whole, first, _last in spans)


def _overlaps(strip: Any, first: float, last: float) -> bool:
    _whole, left, right = compat.span(strip)
    return bool(left < last + 1 and right > first)


def path_of(sound: bpy.types.Sound) -> Path:
    """The file that a sound plays, whether or not it is there."""
    return Path(bpy.path.abspath(sound.filepath, library=sound.library))


def plays(sound: bpy.types.Sound, path: Path) -> bool:
    """Whether a sound plays this file, whichever way the two paths go."""
    own = path_of(sound)
    try:
        return own.resolve() == path.resolve()
    except (OSError, RuntimeError):  # a link to itself; on Windows also a share that is away
        return own == path


def file_of(sound: bpy.types.Sound) -> Path:
    """The sound's file; one that is packed is unpacked into Blender's own folder of this session."""
    path = path_of(sound)
    if sound.packed_file is None:
        if not is_there(path):
            raise AudioError(f"sound file {quoted(path)} does not exist; find it with File > External Data")
        return path
    data = bytes(sound.packed_file.data)
    unpacked = Path(bpy.app.tempdir) / f"facewright-{hashlib.sha256(data).hexdigest()[:16]}{path.suffix}"
    if not unpacked.exists():
        with bytes_written_whole(unpacked) as file:  # half of one would be taken for the sound the next time
            file.write(data)
    return unpacked
