"""Which way a character looks: its own right, forward and up, whatever its rig's axes are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from .character import Character, coordinates, keys_of

SIDED = (("eyeBlinkLeft", "eyeBlinkRight"), ("mouthSmileLeft", "mouthSmileRight"))
LOW = ("jawOpen", "mouthSmileLeft", "mouthFrownLeft")  # what is below the lids
NEARLY = 0.85  # cosine: axes that are off by less than 30 degrees were meant to be straight
SIDES = re.compile(r"(?<![A-Za-z])([LlRr])(?![A-Za-z])|(Left|Right|left|right)")
OTHER = {"L": "R", "l": "r", "Left": "Right", "left": "right"}
UP, LEFT = Vector((0, 0, 1)), Vector((1, 0, 0))  # as heads are modelled in Blender: facing -Y


@dataclass(frozen=True)
class Facing:
    """The character's right, forward and up as the columns of a rotation in world space, as its objects stand now."""

    axes: Matrix
    mesh: bpy.types.Object | None  # the face that told it


def facing(character: Character, keys: Mapping[str, str]) -> Facing:
    """Which way a character looks now.

    By what the keys of left and right lids move, and the jaw below them; else by bones that come in pairs; else as
    heads are modelled in Blender. `keys` is channel → key.
    """
    for mesh in character.meshes:
        if (local := _by_keys(mesh, keys)) is not None:
            return Facing(_rest_of(mesh) @ local, mesh)
    space = _rotation(character.armature.matrix_world) if character.armature else Matrix.Identity(3)
    left = _by_pairs(character.armature) if character.armature else None
    up = _straight(space.inverted() @ UP)
    if left is None:
        forward = Vector((0, 0, 1)) if abs(up.y) > NEARLY else Vector((0, -1, 0))  # a rig whose Y is up looks along Z
        left = _across(up, forward)
    return Facing(space @ _axes(left, up), None)


def _by_keys(mesh: bpy.types.Object, keys: Mapping[str, str]) -> Matrix | None:
    """Right, forward and up in the mesh's own space; None if its keys do not tell."""
    block = keys_of(mesh)
    rest = coordinates(block.reference_key)

    def centre(channel: str) -> Any:
        if keys.get(channel, "") not in block.key_blocks:
            return None
        weights = np.linalg.norm(coordinates(block.key_blocks[keys[channel]]) - rest, axis=1)
        return weights @ rest / weights.sum() if weights.sum() > 0 else None

    pairs = ((centre(left), centre(right)) for left, right in SIDED)
    sides = next((pair for pair in pairs if pair[0] is not None and pair[1] is not None), None)
    low = next((found for channel in LOW if (found := centre(channel)) is not None), None)
    if sides is None or low is None or keys.get("eyeBlinkLeft", "") not in block.key_blocks:
        return None
    up = (sides[0] + sides[1]) / 2 - low
    if np.linalg.norm(np.cross(sides[0] - sides[1], up)) == 0:
        return None
    return _axes(Vector(sides[0] - sides[1]), Vector(up))


def _by_pairs(armature: bpy.types.Object) -> Vector | None:
    """From the right to the left in the armature's space, by bones that come in pairs."""
    bones = armature.data.bones
    total = Vector((0, 0, 0))
    for bone in bones:
        mirrored = SIDES.sub(lambda match: OTHER.get(match[0], match[0]), bone.name)
        if mirrored != bone.name and mirrored in bones:
            total += bone.head_local - bones[mirrored].head_local
    return total if total.length > 0 else None


def _axes(left: Vector, up: Vector) -> Matrix:
    """Right, forward and up as columns, straight where they nearly are, at right angles in any case."""
    right = _straight(-left)
    upright = _straight(up - up.project(right))
    forward = _across(upright, right)
    rows: list[Any] = [right, forward, upright]
    return Matrix(rows).transposed()


def _across(first: Vector, second: Vector) -> Vector:
    """The unit vector at right angles to both."""
    product: Any = first.cross(second)
    return Vector(product).normalized()


def _straight(vector: Vector) -> Vector:
    """The unit vector, or the axis that it is nearly along."""
    unit = vector.normalized()
    along = max(range(3), key=lambda axis: abs(unit[axis]))
    if abs(unit[along]) < NEARLY:
        return unit
    axis = Vector((0, 0, 0))
    axis[along] = 1.0 if unit[along] > 0 else -1.0
    return axis


def _rest_of(mesh: bpy.types.Object) -> Matrix:
    """The mesh's rotation in the world, with the bone that carries it at rest."""
    if mesh.parent is None or mesh.parent_type != "BONE" or mesh.parent_bone not in mesh.parent.pose.bones:
        return _rotation(mesh.matrix_world)
    armature, bone = mesh.parent, mesh.parent.pose.bones[mesh.parent_bone]
    carried = (armature.matrix_world @ bone.matrix).inverted() @ mesh.matrix_world
    return _rotation(armature.matrix_world @ bone.bone.matrix_local @ carried)


def _rotation(matrix: Matrix) -> Matrix:
    """The rotation of a matrix, without its scale."""
    return matrix.to_quaternion().to_matrix()
