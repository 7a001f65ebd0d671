"""What the animator asks of a line: layers, emotions keyed or marked over time, and a target to look at."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import bpy
import numpy as np

from ...core import audio, emotions, pipeline
from ...core.curves import Array, Curves
from ...core.direction import UNDIRECTED, Direction
from ...core.model import RATE
from ...core.settings import ModelSettings, Settings
from ..base import compat, sound
from ..head import look_at, rig
from ..takes import bake
from . import markers, properties

EMOTION_PATH = f"{properties.PROPERTY}.layers.emotion."  # of the keyed sliders, under the scene

Looks = tuple[Curves | None, tuple[str, ...]]


@dataclass(frozen=True)
class Directed:
    """All that a performance follows besides the voice, and what to tell of it."""

    settings: Settings
    direction: Direction = UNDIRECTED
    notes: tuple[str, ...] = ()


def directed(
    scene: bpy.types.Scene,
    head: bpy.types.Object | None,
    line: sound.Line,
    model: ModelSettings,
    found: rig.Head | None = None,
    looks: Looks | None = None,
    settings: Settings | None = None,
) -> Directed:
    """What is asked of a head and a line now; a FacewrightError says what cannot be.

    Whoever asks again for the same line hands over what it found and where the head looks; whoever has settings of
    its own for a head, those.
    """
    found = found or rig.examine(scene, head)
    settings = settings or properties.settings_of(scene, model)
    if "head" not in found.joints:  # eyes must not answer a turn that nobody sees
        settings = replace(settings, head=replace(settings.head, amount=0.0))
    heard_s = duration_s(line)
    settings, notes = with_markers(scene, head, line, settings)
    seen, told = looks or looks_of(scene, found, head, line)
    if settings.gaze.amount == 0:
        seen, told = None, ()
    return Directed(settings, Direction(keyed_emotion(scene, line, settings, heard_s), seen), (*notes, *told))


def looks_of(scene: bpy.types.Scene, found: rig.Head, head: bpy.types.Object, line: sound.Line) -> Looks:
    """Where the head has to look through the line, if the scene has a target, and what to tell of it."""
    target = properties.target_of(scene)
    if target is None:
        return None, ()
    frames = math.ceil(duration_s(line) * sound.fps(scene) * line.stretch)
    looks, notes = look_at.sample(scene, found, head, target, line.frame, frames)
    return replace(looks, rate=looks.rate * line.stretch), notes


def perform(line: sound.Line, directed: Directed, progress: pipeline.Progress | None = None) -> bake.Performance:
    """Listens to the line and performs it as directed; slow, and never touches bpy, so a thread may run it."""
    performance = bake.perform(line, directed.settings, progress, directed.direction)
    return replace(performance, notes=(*directed.notes, *performance.notes))


def with_markers(
    scene: bpy.types.Scene, head: bpy.types.Object | None, line: sound.Line, settings: Settings
) -> tuple[Settings, tuple[str, ...]]:
    """The settings with the timeline's markers as their emotion track, unless there are none, and what to tell."""
    if not properties.choices_of(scene).use_markers:
        return settings, ()
    marks, notes = marks_of(scene, head, line.frame, line.stretch)
    if marks:
        settings = replace(settings, emotion=replace(settings.emotion, track=emotions.track(marks)))
    return settings, notes


def marks_of(
    scene: bpy.types.Scene, head: bpy.types.Object | None, first_frame: int, stretch: float = 1.0
) -> tuple[tuple[emotions.Mark, ...], tuple[str, ...]]:
    """What the timeline's markers ask of a head through a line that starts on a frame, and what to tell of them.

    A second of the line is one of its recording, which lasts `stretch` times as long in the scene.
    """
    named = [(marker.name, marker.frame) for marker in scene.timeline_markers]
    return markers.read(named, sound.fps(scene) * stretch, first_frame, names_of(head))


def keyed_emotion(scene: bpy.types.Scene, line: sound.Line, settings: Settings, heard_s: float) -> Curves | None:
    """The emotion sliders through the line, if they are keyed; marks take over from them from the first mark on."""
    curves = {curve.data_path.removeprefix(EMOTION_PATH): curve for curve in _curves(scene) if not curve.mute}
    keyed = [name for name in emotions.NAMES if name in curves]
    if not keyed:
        return None
    rows = max(1, math.ceil(heard_s * RATE))
    step = sound.fps(scene) * line.stretch / RATE  # frames a row
    values = np.tile(np.asarray(settings.emotion.mood, np.float32), (rows, 1))  # (T, 8)
    for name in keyed:
        column = [curves[name].evaluate(line.frame + step * row) for row in range(rows)]
        values[:, emotions.NAMES.index(name)] = np.clip(column, 0, 1)
    return Curves(_marked(values, settings, RATE), emotions.NAMES, RATE)


def keys_of_emotion(scene: bpy.types.Scene) -> bytes:
    """The keys of the emotion sliders, to be compared: others mean that they were edited."""
    told = b""
    for curve in _curves(scene):
        if curve.data_path.startswith(EMOTION_PATH):
            points = np.empty(2 * len(curve.keyframe_points), np.float32)
            handles = np.empty(2 * len(points), np.float32)
            curve.keyframe_points.foreach_get("co", points)
            curve.keyframe_points.foreach_get("handle_left", handles[: len(points)])
            curve.keyframe_points.foreach_get("handle_right", handles[len(points) :])
            told += repr((curve.data_path, curve.mute)).encode() + points.tobytes() + handles.tobytes()
    return told


def _marked(values: Array, settings: Settings, rate: float) -> Array:
    """Emotions over time, (T, 8), held back by neutral, that marks take over from their first on."""
    marks, ease_s = emotions.marks(settings.emotion.track), settings.emotion.transition_s
    held = emotions.held_back(values)
    if not marks:
        return held
    first = math.floor((marks[0][0] - ease_s / 2) * rate)
    base = tuple(values[np.clip(first, 0, len(values) - 1)].tolist())
    after = emotions.keyed(base, marks, len(values), rate, ease_s)
    after[: max(0, first)] = held[: max(0, first)]
    return after


def duration_s(line: sound.Line) -> float:
    """How long the line is heard."""
    return max(0.0, min(line.end_s, audio.open_sound(line.path).duration_s) - line.start_s)


def _curves(scene: bpy.types.Scene) -> list[bpy.types.FCurve]:
    animation = scene.animation_data
    return compat.curves_of(animation.action, scene) if animation and animation.action else []


def names_of(head: bpy.types.Object | None) -> frozenset[str]:
    """What markers may call a head: its object, and what that hangs on."""
    names = set()
    obj = head
    while obj is not None:
        names.add(obj.name)
        obj = obj.parent
    armature = head.find_armature() if head is not None else None
    return frozenset(names | ({armature.name} if armature is not None else set()))
