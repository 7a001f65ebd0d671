"""Which objects of a scene are one character."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ...core import channels, rigs
from ...core.errors import RigError, quoted
from .protection import listed

FACE_CHANNELS = 14  # a mesh that shows more is a face, not its teeth or lashes; faces with visemes alone show 15 to 23
MOVED = 1e-5  # of a mesh's size: a key that moves nothing further is empty
Points = np.ndarray[Any, np.dtype[np.intp]]
MOUTH = frozenset(channels.GROUPS["jaw"] + channels.GROUPS["mouth"])
FACE_MOVES = (
    "jawOpen",
    "eyeBlinkLeft",
)  # teeth that carry all 52 keys move with the jaw and have no lids; lashes vice versa


@dataclass(frozen=True)
class Character:
    """The objects of one character, for as long as nothing is undone or loaded."""

    root: bpy.types.Object  # the same whichever of its objects was chosen: what its choices are kept on
    meshes: tuple[bpy.types.Object, ...]  # those that have shape keys
    armature: bpy.types.Object | None
    objects: tuple[bpy.types.Object, ...]  # all that hang together with them


def character_of(scene: bpy.types.Scene, chosen: bpy.types.Object | None) -> Character:
    """The character that an object belongs to: by its armature, else by parents, else by their collection."""
    if chosen is None:
        raise RigError("no head is chosen; select the character's face")
    if scene not in chosen.users_scene:
        raise RigError(f"{quoted(chosen.name)} is not in scene {quoted(scene.name)}; choose a head that is there")
    if chosen.instance_collection is not None:
        is_linked = chosen.instance_collection.library is not None
        remedy = "Object > Library Override > Make" if is_linked else "Object > Apply > Make Instances Real"
        raise RigError(f"{quoted(chosen.name)} is an instance of a collection and has no keys of its own; use {remedy}")
    keyed = [obj for obj in scene.objects if keys_of(obj)]
    armature = armature_of(chosen)
    top = chosen if armature else _top(chosen, keyed)
    if armature is None and (moving := [armature_of(obj) for obj in keyed if top in ancestors(obj)]):
        armature = next((obj for obj in moving if obj), None)  # an Empty above the armature was chosen
    if armature is not None:
        objects = [obj for obj in scene.objects if armature_of(obj) == armature or obj == armature]
        return Character(armature, _with_keys(objects), armature, tuple(objects))
    objects = [obj for obj in scene.objects if top in ancestors(obj)]
    objects += _mates(scene, top, objects)
    meshes = _with_keys(objects)
    is_loose = top.parent is not None or not top.children
    root = next((mesh for mesh in meshes if is_face(mesh)), top) if is_loose else top
    return Character(root, meshes, None, tuple(objects))


def keys_of(obj: bpy.types.Object) -> bpy.types.Key | None:
    """The shape keys of a mesh."""
    return obj.data.shape_keys if isinstance(obj.data, bpy.types.Mesh) else None


def key_names(keys: bpy.types.Key) -> list[str]:
    """The keys that deform; the one that the others start from (Basis) is none of them."""
    return [block.name for block in keys.key_blocks if block != keys.reference_key]


def ancestors(obj: bpy.types.Object) -> list[bpy.types.Object]:
    """The object itself, its parent, and so on to the top."""
    chain = [obj]
    while chain[-1].parent is not None:
        chain.append(chain[-1].parent)
    return chain


def armature_of(obj: bpy.types.Object) -> bpy.types.Object | None:
    """The armature that moves the object, by a modifier or as a parent near or far."""
    if obj.type == "ARMATURE":
        return obj
    deforming = obj.find_armature()
    return deforming or next((parent for parent in ancestors(obj) if parent.type == "ARMATURE"), None)


def pose_bones(obj: bpy.types.Object) -> dict[str, bpy.types.PoseBone]:
    """The bones of an armature by their names; none of anything else, or before Blender has posed it once."""
    return dict(obj.pose.bones.items()) if obj.type == "ARMATURE" and obj.pose else {}


_known: dict[tuple[str, int, tuple[str, ...]], bool] = {}  # shape keys as they were last looked at → whether a face


def forget_faces() -> None:
    """Meshes may have changed."""
    _known.clear()


def is_face(obj: bpy.types.Object) -> bool:
    """Whether a mesh shows a whole face: it has its channels, and both lids and jaw move some of it."""
    keys = keys_of(obj)
    if keys is None:
        return False
    seen = (keys.name_full, len(keys.reference_key.data), tuple(key_names(keys)))
    if seen not in _known:
        _known[seen] = _shows_a_face(keys)
    return _known[seen]


def _shows_a_face(keys: bpy.types.Key) -> bool:
    found = rigs.detect(key_names(keys)).keys
    if len(found) <= FACE_CHANNELS or found.keys().isdisjoint(MOUTH):
        return False  # lashes follow sixteen channels of the eyes
    moved = [moves(keys, found[channel]) for channel in FACE_MOVES if channel in found]
    return all(moved) or not any(moved)  # where neither moves anything it cannot be told


def moves(keys: bpy.types.Key, name: str) -> bool:
    """Whether a shape key moves any point of its mesh that its vertex group does not hold back."""
    group = keys.key_blocks[name].vertex_group
    return has_shape(keys, name) and (not group or _is_let(keys, group, np.flatnonzero(_apart(keys, name).any(axis=1))))


def has_shape(keys: bpy.types.Key, name: str) -> bool:
    """Whether a shape key puts any point elsewhere than the key that it is relative to does."""
    return bool(_apart(keys, name).any())


def _apart(keys: bpy.types.Key, name: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which coordinates of the points differ between a shape key and the one that it is relative to, (points, 3)."""
    block = keys.key_blocks[name]
    rest, moved = coordinates(block.relative_key), coordinates(block)
    size = max(np.ptp(axis) for axis in rest.T.copy()) if len(rest) else 0  # by columns, which lie together
    apart: np.ndarray[Any, np.dtype[np.bool_]] = np.abs(moved - rest) > MOVED * size
    return apart


def _is_let(keys: bpy.types.Key, group: str, points: Points) -> bool:
    """Whether a shape key with this vertex group moves any of the points; a group that is not there limits nothing."""
    mesh: Any = keys.user
    bearer = next((obj for obj in bpy.data.objects if obj.data == mesh), None)
    if bearer is None or group not in bearer.vertex_groups:
        return True
    index = bearer.vertex_groups[group].index
    held = (mesh.vertices[point].groups for point in points.tolist())
    if any(weight.group == index and weight.weight > 0 for weights in held for weight in weights):
        return True
    return not any(len(vertex.groups) for vertex in mesh.vertices)  # without any weights Blender limits nothing


def coordinates(block: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Where a shape key puts the mesh's points, (V, 3), in the mesh's own space."""
    points = np.empty(3 * len(block.points), np.float32)
    block.points.foreach_get("co", points)  # sixty times as fast as block.data
    return points.reshape(-1, 3)


def _with_keys(objects: Iterable[bpy.types.Object]) -> tuple[bpy.types.Object, ...]:
    return tuple(obj for obj in objects if keys_of(obj))


def _top(chosen: bpy.types.Object, keyed: Sequence[bpy.types.Object]) -> bpy.types.Object:
    """The highest parent of the chosen object that holds no second face."""
    chain = ancestors(chosen)
    below = {parent: _faces(obj for obj in keyed if parent in ancestors(obj)) for parent in (chosen, chain[-1])}
    if len(below[chosen]) > 1:
        raise RigError(f"{quoted(chosen.name)} holds {len(below[chosen])} faces; select one: {listed(below[chosen])}")
    if len(below[chain[-1]]) <= 1:
        return chain[-1]
    single = (p for p in chain if len(_faces(obj for obj in keyed if p in ancestors(obj))) <= 1)
    return list(single)[-1]


def _faces(meshes: Iterable[bpy.types.Object]) -> list[str]:
    """The names of the faces among the meshes, one for each set of shape keys."""
    return list({keys_of(mesh): mesh.name for mesh in meshes if is_face(mesh)}.values())


def _mates(
    scene: bpy.types.Scene, top: bpy.types.Object, objects: Sequence[bpy.types.Object]
) -> list[bpy.types.Object]:
    """Objects beside `top`, under the same parent or none, that share a collection with it; never a second face."""
    if top.parent is None and top.children:
        return []  # a character under one parent is whole
    own = _faces(objects)
    mates: list[bpy.types.Object] = []
    for collection in set(top.users_collection) - {scene.collection}:
        siblings = [obj for obj in collection.objects if obj.parent == top.parent and obj not in objects]
        beside = [obj for obj in siblings if armature_of(obj) is None]
        theirs = _faces(beside)
        if not own and len(theirs) > 1:
            raise RigError(f"{quoted(top.name)} may belong to {' or '.join(theirs)}; select the face instead")
        if own and theirs and top.parent:
            continue  # whose teeth these are cannot be told
        mates += [obj for obj in beside if not (own and is_face(obj))]
    return mates
