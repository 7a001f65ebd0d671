"""Heads to prove the whole way on: the demo head's mouth and lids under the key names of any convention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import bpy
import numpy as np

from addon.blender.base import sound
from addon.blender.head.rig import examine
from addon.blender.takes import bake
from addon.core import channels
from addon.core.curves import Curves
from addon.core.rigs import Detection, RigMap, conventions
from samples.head import keys, skin
from samples.head.loops import CONTACT, EDGE, WET
from samples.head.skin import LIDS, LIPS

FPS = 24
# Frame → what the mouth does there: a sealed m over an open jaw, an open vowel, a sealed p, a blink, a smile, rest.
MOMENTS: dict[int, dict[str, float]] = {
    1: {},
    7: {"jawOpen": 0.3, "mouthClose": 0.3},
    13: {"jawOpen": 0.6},
    19: {"jawOpen": 0.5, "mouthClose": 0.5},
    25: {"jawOpen": 0.45},
    31: {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
    37: {"eyeBlinkLeft": 1.0},
    43: {"mouthSmileLeft": 1.0},
    49: {},
}
SEALED, OPEN = (7, 19), (13, 25)


@dataclass(frozen=True)
class Face:
    """The vertices of the demo head that lips and lids are judged by, in centimetres, and what the 52 keys do there."""

    points: np.ndarray  # (V, 3)
    moves: np.ndarray  # (C, V, 3), in ARKit's order
    lips: tuple[np.ndarray, np.ndarray]  # upper and lower vertices that face each other
    lids: dict[str, tuple[np.ndarray, np.ndarray]]  # Left, Right → the same of an eye
    corners: dict[str, int]  # Left, Right → the corner of the mouth


@cache
def face() -> Face:
    """Built once; a few hundred vertices."""
    whole = skin.build()
    moves = keys.make(whole, channels.ARKIT)
    kept = np.flatnonzero(whole.is_ring(LIPS, EDGE, CONTACT) | whole.is_ring(LIDS, WET))
    place = {int(row): new for new, row in enumerate(kept)}
    x = whole.points[:, 0]

    def pairs(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        upper, lower = (np.flatnonzero(rows & (whole.upper == side)) for side in (1, -1))
        order = [row[np.argsort(whole.along[row] * np.sign(x[row] + 1e-9))] for row in (upper, lower)]
        return tuple(np.array([place[int(v)] for v in row]) for row in order)  # type: ignore[return-value]

    edge = whole.is_ring(LIPS, EDGE)
    corner = {
        side: place[int(np.flatnonzero(edge & (whole.upper == 0) & (np.sign(x) == sign))[0])]
        for side, sign in (("Left", 1), ("Right", -1))
    }
    lids = {side: pairs(whole.is_ring(LIDS, WET) & (np.sign(x) == sign)) for side, sign in (("Left", 1), ("Right", -1))}
    stacked = np.stack([moves[name][kept] for name in channels.ARKIT])
    return Face(whole.points[kept], stacked, pairs(edge & (np.abs(x) < 2)), lids, corner)


def moves_of(rig: RigMap) -> dict[str, np.ndarray]:
    """What each key of a convention does on this face: set as the convention says, they add up to the 52 channels."""
    shown = face().moves.copy()
    if rig.closure == "absolute":
        shown[channels.ARKIT.index("mouthClose")] += shown[channels.ARKIT.index("jawOpen")]
    controls = [*rig.weights, *(control for control in rig.instead if not rig.weights)]
    table = np.array([[rig.parts(control).get(name, 0.0) for name in channels.ARKIT] for control in controls])
    own = np.einsum("rc,cvi->rvi", np.linalg.pinv(table.T), shown) if controls else ()
    moves = dict(zip(controls, own, strict=True))
    for control, pose in rig.visemes.items():
        weights = np.array([pose.get(name, 0.0) if name != "mouthClose" else 0.0 for name in channels.ARKIT])
        moves[control] = np.einsum("c,cvi->vi", weights, face().moves)
    return moves


def build(rig: RigMap, spelling: str = "{}") -> bpy.types.Object:
    """A head in the scene with every key of a convention."""
    moves = moves_of(rig) | dict.fromkeys(rig.idle, np.zeros_like(face().points))
    made = mesh(face().points, {spelling.format(name): move for name, move in moves.items()})
    for block in made.data.shape_keys.key_blocks[1:]:
        block.slider_min = rig.span[0]
    if rig.closure == "share":
        _add_corrective(made, rig, spelling)
    return made


def _add_corrective(head: bpy.types.Object, rig: RigMap, spelling: str) -> None:
    """What MetaHuman's rig logic does: its closing keys, a share, close as much as the jaw is open."""
    closers = [name for name, parts in rig.weights.items() if "mouthClose" in parts]
    jaw = next(name for name, parts in rig.weights.items() if set(parts) == {"jawOpen"})
    for name in closers:
        key = head.data.shape_keys.key_blocks[spelling.format(name)]
        rest = head.data.shape_keys.reference_key
        moved, still = (np.array([point.co for point in block.data]) for block in (key, rest))
        key.data.foreach_set("co", still.astype(np.float32).ravel())  # alone, over a shut jaw, it moves nothing
        corrective = head.shape_key_add(name=f"head_lod0_mesh__{name}_jaw_open"[:63], from_mix=False)
        corrective.data.foreach_set("co", moved.astype(np.float32).ravel())
        driver = corrective.driver_add("value").driver
        for variable, source in (("jaw", jaw), ("share", name)):
            made = driver.variables.new()
            made.name = variable
            made.targets[0].id_type, made.targets[0].id = "KEY", head.data.shape_keys
            made.targets[0].data_path = f'key_blocks["{spelling.format(source)}"].value'
        driver.expression = "jaw * share"


def mesh(points: np.ndarray, moves: Mapping[str, np.ndarray], name: str = "Face") -> bpy.types.Object:
    """A mesh of loose points with shape keys."""
    data = bpy.data.meshes.new(name)
    data.vertices.add(len(points))
    data.vertices.foreach_set("co", points.astype(np.float32).ravel())
    made = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(made)
    made.shape_key_add(name="Basis", from_mix=False)
    for key, move in moves.items():
        block = made.shape_key_add(name=key, from_mix=False)
        block.data.foreach_set("co", (points + move).astype(np.float32).ravel())
    return made


def line() -> Curves:
    """The moments at their frames, and straight lines between them; no model listens."""
    frames = np.arange(1, max(MOMENTS) + 1)
    values = np.zeros((len(frames), len(channels.ALL)), np.float32)
    for column, name in enumerate(channels.ALL):
        values[:, column] = np.interp(frames, list(MOMENTS), [moment.get(name, 0.0) for moment in MOMENTS.values()])
    return Curves(values, channels.ALL, float(FPS))


def speak(head: bpy.types.Object) -> bake.Report:
    """Bakes the line onto a head."""
    said = sound.Line(Path("/nowhere/moments.wav"), "moments", 1)
    return bake.write(bpy.context.scene, head, bake.Performance(said, line()))


@dataclass(frozen=True)
class Told:
    """The line on a head, as Blender showed it."""

    detection: Detection
    report: bake.Report
    points: dict[int, np.ndarray]  # frame → where the vertices were, (V, 3)


@cache
def told(name: str) -> Told:
    """The line on a head of the convention of this name; spoken once, for all tests that look at it."""
    head = build(next(convention for convention in conventions() if convention.name == name))
    report = speak(head)
    detection = examine(bpy.context.scene, head).detection
    return Told(detection, report, {frame: seen(head, frame) for frame in MOMENTS})


def seen(head: bpy.types.Object, frame: int) -> np.ndarray:
    """Where the head's vertices are on a frame, (V, 3), as Blender evaluates them."""
    bpy.context.scene.frame_set(frame)
    shown = head.evaluated_get(bpy.context.evaluated_depsgraph_get())
    points = np.empty(3 * len(shown.data.vertices), np.float32)
    shown.data.vertices.foreach_get("co", points)
    return points.reshape(-1, 3)


def gap(points: np.ndarray, pairs: tuple[np.ndarray, np.ndarray]) -> float:
    """How far apart the middle of two rows of facing vertices is, centimetres."""
    upper, lower = pairs
    return float(np.linalg.norm(points[upper] - points[lower], axis=1).max())
