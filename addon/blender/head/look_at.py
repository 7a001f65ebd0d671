"""Where a head's eyes turn to see an object: directions from between them in the head's own axes, over time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ...core.curves import Array, Curves
from ...core.direction import INWARDS, LOOK
from ...core.errors import RigError, quoted
from .rig import Head

SAMPLES_A_S = 12.0  # a target's path is smooth; every sample costs the evaluation of the whole scene
TOO_NEAR = 1.2  # times the distance between the eyes: a target nearer than this is in the head
FIELD_RAD = math.pi / 2  # farther aside is behind
ALIKE = 0.2  # a jaw this near to between the eyes, as a share of their distance, says nothing of up


@dataclass(frozen=True)
class Skull:
    """A head's own frame: between the eyes, in the face's coordinates, x to its left, y up, z ahead; and its scale."""

    mesh: str
    frame: Matrix
    eyes_apart: float
    bone: str = ""  # of the armature that moves the face: the one that its lids hang on


def sample(
    scene: bpy.types.Scene,
    found: Head,
    head: bpy.types.Object,
    target: bpy.types.Object,
    first_frame: int,
    frames: int,
) -> tuple[Curves, tuple[str, ...]]:
    """Where both eyes turn to see the target through a line, and what to tell of it; the scene stays on its frame.

    A head that Facewright turns is taken as it is without that turn: the performance answers for it.
    """
    skull = find_skull(found, head)
    face = bpy.data.objects[skull.mesh, None]
    if target == face or target in _above(face):
        raise RigError(f"the head cannot look at {quoted(target.name)}, which it is part of; choose another target")
    fps = scene.render.fps / scene.render.fps_base
    step = max(1, round(fps / SAMPLES_A_S)) if moves(face) or moves(target) else max(1, frames)
    turned = _turned_by_us(found)
    points = []
    bpy.context.view_layer.update()  # what was moved a moment ago is where it is
    _check_placed(scene, target, face)
    with _back_on_its_frame(scene) as go_to:
        for frame in range(first_frame, first_frame + max(1, frames), step):
            if step < frames:
                go_to(frame)
            where = _skull_matrix(skull, turned).inverted_safe() @ target.matrix_world.translation
            points.append(np.array(where))
    return _directions(np.stack(points), skull.eyes_apart, fps / step, target.name)


def _check_placed(scene: bpy.types.Scene, *objects: bpy.types.Object) -> None:
    """Raises a RigError if Blender does not work out where one of the objects is, and leaves it where it once was."""
    if scene != bpy.context.scene:
        return  # the depsgraph is of another scene, and tells nothing
    known = bpy.context.evaluated_depsgraph_get()
    for obj in objects:
        if not obj.evaluated_get(known).is_evaluated:
            what = f"{quoted(obj.name)} is disabled in viewports, or its collection is disabled or excluded"
            raise RigError(f"{what}, so where it is cannot be told; enable it, and hide it with H")


def find_skull(found: Head, head: bpy.types.Object) -> Skull:
    """Where the eyes are and which way the face looks, from what its own keys move: lids, and jaw.

    A head without such keys is taken to look along its own -Y from its middle, as Blender's front view shows it.
    """
    owners = [part.owner for part in found.parts]
    meshes = [bpy.data.objects[owner.shown, None] for owner in owners if owner.collection == "shape_keys"]
    for face in meshes:
        left, right, jaw = (_middle(face, found, name) for name in ("eyeBlinkLeft", "eyeBlinkRight", "jawOpen"))
        if left is None or right is None or jaw is None:
            continue
        x, up = left - right, (left + right) / 2 - jaw
        up -= up.project(x) if x.length else up
        if up.length < ALIKE * x.length or not up.length:
            continue  # one key for both lids, or a jaw that moves the whole face
        return Skull(face.name, _frame(x, up, (left + right) / 2), x.length, _bone_of(face, found))
    face = meshes[0] if meshes else head
    corners = [Vector(corner) for corner in face.bound_box]
    middle = sum(corners, Vector()) / len(corners)
    return Skull(face.name, _frame(Vector((1, 0, 0)), Vector((0, 0, 1)), middle), face.dimensions.x / 3)


def _frame(x: Vector, y: Vector, at: Vector) -> Matrix:
    """Axes from two that are square to each other, as a matrix from them to what they are given in."""
    x, y = x.normalized(), y.normalized()
    frame = Matrix((x[:], y[:], np.cross(x[:], y[:]).tolist())).transposed().to_4x4()
    frame.translation = at
    return frame


def _directions(points: Array, eyes_apart: float, rate: float, name: str) -> tuple[Curves, tuple[str, ...]]:
    """Yaw (right is positive), pitch (down is positive) and turn inwards to points (T, 3) in the skull's axes."""
    notes = []
    near = np.linalg.norm(points, axis=1) < TOO_NEAR * eyes_apart
    if near.all():
        raise RigError(f"{quoted(name)} is inside the head, so it cannot look there; move the target away")
    if near.any():
        notes.append(f"{quoted(name)} is inside the head for part of the line; there the eyes stay where they were")
        seen = np.flatnonzero(~near)
        points = points[seen[np.maximum(np.searchsorted(seen, np.arange(len(points)), side="right") - 1, 0)]]
    yaw = np.unwrap(np.arctan2(-points[:, 0], points[:, 2]))
    yaw -= 2 * np.pi * np.round(yaw[0] / (2 * np.pi))
    pitch = np.arctan2(-points[:, 1], np.hypot(points[:, 0], points[:, 2]))
    if (np.abs(yaw) > FIELD_RAD).any():
        notes.append(f"{quoted(name)} is behind the head for part of the line; the eyes go as far aside as they can")
    looks = np.stack([np.clip(yaw, -FIELD_RAD, FIELD_RAD), pitch, _inwards(points, eyes_apart)], axis=1)
    return Curves(looks.astype(np.float32), (*LOOK, INWARDS), rate), tuple(notes)


def _inwards(points: Array, eyes_apart: float) -> Array:
    """How far each eye turns towards the nose for points (T, 3), (T,) radians; less for those aside, none behind."""
    across = np.hypot(points[:, 1], np.maximum(points[:, 2], 0))  # what is aside is seen from eyes closer together
    return np.asarray(np.arctan2(eyes_apart / 2 * across, np.square(points).sum(axis=1)), np.float32)


def _middle(face: bpy.types.Object, found: Head, channel: str) -> Vector | None:
    """The middle of what a channel's key moves on a mesh, weighted by how far; None if it has none that moves."""
    keys = face.data.shape_keys
    name = found.detection.keys.get(channel, "")
    if name not in keys.key_blocks:
        return None
    rest, far = _moved(keys, name)
    total = float(far.sum())
    return Vector((far @ rest / total).tolist()) if total > 0 else None


def _moved(keys: bpy.types.Key, name: str) -> tuple[Array, Array]:
    """Each vertex at rest, (V, 3), and how far a key moves it, (V,)."""
    count = 3 * len(keys.reference_key.data)
    rest, moved = np.empty(count, np.float32), np.empty(count, np.float32)
    keys.reference_key.data.foreach_get("co", rest)
    keys.key_blocks[name].data.foreach_get("co", moved)
    return rest.reshape(-1, 3), np.linalg.norm((moved - rest).reshape(-1, 3), axis=1)


def _bone_of(face: bpy.types.Object, found: Head) -> str:
    """The bone that carries the lid: the one with the most weight where blinking moves most; empty if there is none."""
    armature = face.find_armature()
    if armature is None:
        return ""
    _rest, far = _moved(face.data.shape_keys, found.detection.keys["eyeBlinkLeft"])
    weights = [(entry.weight, entry.group) for entry in face.data.vertices[int(far.argmax())].groups]
    names = [face.vertex_groups[group].name for _weight, group in sorted(weights, reverse=True)]
    return next((name for name in names if name in armature.pose.bones), "")


def _skull_matrix(skull: Skull, turned: set[tuple[str, str]]) -> Matrix:
    """From the skull's own axes to the world on the present frame, without the turns that are ours."""
    face = bpy.data.objects[skull.mesh, None]
    world = face.matrix_world @ skull.frame
    armature = face.find_armature()
    if skull.bone and armature is not None:
        bone = armature.pose.bones[skull.bone]
        deform = _without(armature, bone, turned) @ bone.bone.matrix_local.inverted_safe()
        world = armature.matrix_world @ deform @ armature.matrix_world.inverted_safe() @ world
    for above in _above(face):
        if (above.name, "") in turned:
            still = above.matrix_basis.copy()
            turn = Matrix.LocRotScale(None, still.to_quaternion(), None)
            world = above.matrix_world @ turn.inverted_safe() @ above.matrix_world.inverted_safe() @ world
    return world


def _without(armature: bpy.types.Object, bone: bpy.types.PoseBone, turned: set[tuple[str, str]]) -> Matrix:
    """A bone's matrix in its armature as it would be without our own turn of it, or of a bone above it."""
    ours = next((b for b in (bone, *bone.parent_recursive) if (armature.name, b.name) in turned), None)
    if ours is None:
        return bone.matrix.copy()
    still = ours.bone.matrix_local
    if ours.parent is not None:
        still = ours.parent.matrix @ ours.parent.bone.matrix_local.inverted_safe() @ still
    moved: Matrix = still @ ours.matrix.inverted_safe() @ bone.matrix
    return moved


def _turned_by_us(found: Head) -> set[tuple[str, str]]:
    """The object, or the armature and its bone, that the performance itself turns as the head."""
    return {(joint.owner.name, joint.bone) for role, joint in found.joints.items() if role == "head"}


def _above(obj: bpy.types.Object) -> list[bpy.types.Object]:
    """The object, its parents, and the armature that moves it with its parents."""
    chain = [obj]
    while chain[-1].parent is not None:
        chain.append(chain[-1].parent)
    armature = obj.find_armature()
    return chain if armature is None or armature in chain else [*chain, *_above(armature)]


def moves(obj: bpy.types.Object) -> bool:
    """Whether an object may be elsewhere on another frame."""
    return any(
        bool(o.constraints)
        or (o.animation_data is not None and bool(o.animation_data.action or o.animation_data.nla_tracks))
        or (o.animation_data is not None and len(o.animation_data.drivers) > 0)
        or (o.type == "ARMATURE" and any(bone.constraints for bone in o.pose.bones))
        for o in _above(obj)
    )


@contextmanager
def _back_on_its_frame(scene: bpy.types.Scene) -> Iterator[Callable[[int], None]]:
    """A way to go to frames; afterwards the scene is on the one it was on."""
    frame, part = scene.frame_current, scene.frame_subframe
    try:
        yield scene.frame_set
    finally:
        if (scene.frame_current, scene.frame_subframe) != (frame, part):
            scene.frame_set(frame, subframe=part)
