"""Controls that are no shape keys: custom properties, and MetaHuman's face board of bones."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import bpy

from ...core import rigs
from ..fcurves.targets import Owner, Place, Spot, bone_path, owner_of, property_path
from .character import Character, pose_bones
from .protection import MOVING, closed_object, closed_path, constrained

BOARD = "metahuman_board"  # the convention whose controls are bones
AXES = ("tx", "ty", "tz")
FEWEST = 3  # bones of the board that make one
WHOLE_NUMBERS = "a whole number; make it a Float in Custom Properties"
ENDLESS = float("inf")


def property_spots(character: Character) -> Iterator[Spot]:
    """Every number among the custom properties of the character's objects and of its bones."""
    for obj in character.objects:
        owner, closed, why = owner_of(obj), closed_object(obj), closed_path(obj)
        carriers: list[tuple[Any, str]] = [(obj, "")]
        carriers += [(bone, bone_path(name, "")) for name, bone in pose_bones(obj).items()]
        for carrier, before in carriers:
            for name, value in carrier.items():
                if isinstance(value, float | int) and not isinstance(value, bool):
                    place = Place(name, before + property_path(name))
                    yield _property_spot(carrier, owner, place, value, closed or why(place.path, 0))


def _property_spot(carrier: Any, owner: Owner, place: Place, value: float, closed: str | None) -> Spot:
    if isinstance(value, int):
        return Spot(owner, place, WHOLE_NUMBERS, value, value)
    limits = carrier.id_properties_ui(place.name).as_dict()
    return Spot(owner, place, closed, limits.get("min", -ENDLESS), limits.get("max", ENDLESS))


def board_spots(scene: bpy.types.Scene, character: Character) -> Iterator[Spot]:
    """The places of the face board's bones, along x and y."""
    for board in _boards(scene, character):
        owner, closed, why = owner_of(board), closed_object(board), closed_path(board)
        for name, bone in pose_bones(board).items():
            for axis in _controls().get(name, ()):
                place = Place(f"{name}.{axis}", bone_path(name, ".location"), AXES.index(axis))
                reason = closed or why(place.path, place.index) or constrained(bone.constraints, MOVING)
                yield Spot(owner, place, reason, -ENDLESS, ENDLESS)


def _boards(scene: bpy.types.Scene, character: Character) -> list[bpy.types.Object]:
    """The character's own face boards, else those in a collection with it: a board is often an armature by itself."""
    boards = [obj for obj in scene.objects if _is_board(obj)]
    own = [board for board in boards if board in character.objects]
    shared = {collection for obj in character.objects for collection in obj.users_collection} - {scene.collection}
    return own or [board for board in boards if shared.intersection(board.users_collection)]


def _is_board(armature: bpy.types.Object) -> bool:
    return len(pose_bones(armature).keys() & _controls().keys()) >= FEWEST


@cache
def _controls() -> dict[str, tuple[str, ...]]:
    """The board's bones and the axes along which they are controls."""
    board = next(rig for rig in rigs.conventions() if rig.name == BOARD)
    controls: dict[str, tuple[str, ...]] = {}
    for control in board.weights:
        bone, axis = control.rsplit(".", 1)
        controls[bone] = (*controls.get(bone, ()), axis)
    return controls
