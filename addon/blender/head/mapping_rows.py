"""A character's mapping as Blender keeps it: on the object that the whole character hangs from."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
from typing import Any

import bpy
import numpy as np
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ...core import channels
from ...core.errors import RigError, quoted
from ...core.rigs import CustomMap
from ...core.rigs.custom import LARGEST, OPTIONS, build
from . import board
from .character import Character, character_of, key_names, keys_of

PROPERTY = "facewright_mapping"  # where it is kept: object.facewright_mapping
NUMBERS = ("gain", "offset", "low", "high")
OVERRIDABLE: Any = {"LIBRARY_OVERRIDABLE"}
GROWING: Any = {"LIBRARY_OVERRIDABLE", "USE_INSERTION"}


def _touched(self: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    """Lets whoever remembers what the head can do look again; the character itself has not moved."""
    self.id_data.update_tag(refresh={"OBJECT"})


def _channel_names(_self: bpy.types.PropertyGroup, _context: bpy.types.Context, _text: str) -> list[str]:
    return list(channels.ALL)


def _key_names(self: Any, context: bpy.types.Context, _text: str) -> list[str]:
    try:
        return list(names_on(context.scene, character_of(context.scene, self.id_data)))
    except RigError:
        return []


def _number(name: str, description: str, default: float = 0.0, step: float = 10.0) -> FloatProperty:
    return FloatProperty(
        name=name,
        description=description,
        default=default,
        min=-LARGEST,
        max=LARGEST,
        soft_min=-2,
        soft_max=2,
        step=step,
        precision=2,
        options=set(),
        override=OVERRIDABLE,
        update=_touched,
    )


class FACEWRIGHT_PG_mapping_row(bpy.types.PropertyGroup):
    """One channel on one key."""

    channel: StringProperty(
        name="Channel",
        description="What the speech moves",
        search=_channel_names,
        search_options=set(),
        options=set(),
        override=OVERRIDABLE,
        update=_touched,
    )
    key: StringProperty(
        name="Key",
        description="The head's key that shows it: a shape key, a custom property or a control of the face board",
        search=_key_names,
        search_options={"SUGGESTION"},
        options=set(),
        override=OVERRIDABLE,
        update=_touched,
    )
    gain: _number("Gain", "How much of the channel the key gets; negative: the other way", 1.0)
    offset: _number("Offset", "What the key gets when the channel is at rest")
    low: _number("Low", "The key never goes below")
    high: _number("High", "The key never goes above", 1.0)
    invert: BoolProperty(
        name="Invert",
        description="Count backwards: the key is full when the channel is at rest",
        options=set(),
        override=OVERRIDABLE,
        update=_touched,
    )


class FACEWRIGHT_PG_mapping(bpy.types.PropertyGroup):
    """The rows of a character."""

    rows: CollectionProperty(type=FACEWRIGHT_PG_mapping_row, override=GROWING)
    active: IntProperty(name="Row", description="The row that is chosen", options=set(), override=OVERRIDABLE)
    only: BoolProperty(
        name="Only These",
        description="Keys without a row stay still. Off: they move as they were recognised",
        options=set(),
        override=OVERRIDABLE,
        update=_touched,
    )
    closure: EnumProperty(
        name="Lips Close",
        description="What the keys of mouthClose do on this head",
        items=(
            ("relative", "Over the open jaw", "The key closes the lips while the jaw stays open, as ARKit's does"),
            ("absolute", "In one pose", "The key is jaw and lips in one pose, so the jaw gives way to it"),
            ("share", "By share", "The key is the part of the jaw's opening that is closed, as MetaHuman's is"),
        ),
        options=set(),
        override=OVERRIDABLE,
        update=_touched,
    )


CLASSES = (FACEWRIGHT_PG_mapping_row, FACEWRIGHT_PG_mapping)


def attach() -> None:
    """Gives every object the room for a mapping; its classes are registered."""
    group = PointerProperty(type=FACEWRIGHT_PG_mapping, override=OVERRIDABLE)
    setattr(bpy.types.Object, PROPERTY, group)


def detach() -> None:
    """Takes it back."""
    delattr(bpy.types.Object, PROPERTY)


def of(obj: bpy.types.Object) -> FACEWRIGHT_PG_mapping:
    """The mapping that is kept on this object."""
    group: FACEWRIGHT_PG_mapping = getattr(obj, PROPERTY)
    return group


def holder(character: Character) -> bpy.types.Object:
    """The object that keeps the character's mapping: its root, unless rows came with another of its objects."""
    everyone = (character.root, *character.objects)
    if not hasattr(character.root, PROPERTY):
        return character.root  # a script uses the bake without the extension
    return next((obj for obj in everyone if len(of(obj).rows)), character.root)


def names_on(scene: bpy.types.Scene, character: Character) -> tuple[str, ...]:
    """Everything on the character that a channel can move: its shape keys, custom properties and face board."""
    keys = [name for mesh in character.meshes if (block := keys_of(mesh)) for name in key_names(block)]
    spots = [*board.property_spots(character), *board.board_spots(scene, character)]
    return tuple(dict.fromkeys([*keys, *(spot.place.name for spot in spots)]))


def read(obj: bpy.types.Object) -> CustomMap:
    """The mapping that an object keeps, without rows that name nothing yet; a RigError names what is wrong."""
    if not hasattr(obj, PROPERTY):
        return CustomMap(())
    group = of(obj)
    whole = [row for row in group.rows if row.channel and row.key]
    entries = [{name: _plain(row, name) for name in OPTIONS} for row in whole]
    return build(f"the mapping of {quoted(obj.name)}", entries, group.only, group.closure)


def write(obj: bpy.types.Object, custom: CustomMap) -> None:
    """Puts a mapping in the place of what the object keeps."""
    if not obj.is_editable:
        raise RigError(f"{quoted(obj.name)} is linked; make a library override of it to map its keys")
    group = of(obj)
    group.rows.clear()
    group.only, group.closure = custom.only, custom.closure
    for row in custom.rows:
        item = group.rows.add()
        for name in OPTIONS:
            setattr(item, name, getattr(row, name))
    group.active = max(0, min(group.active, len(group.rows) - 1))
    obj.update_tag(refresh={"OBJECT"})


def _plain(row: FACEWRIGHT_PG_mapping_row, name: str) -> Any:
    """A row's value; a number as short as Blender's own precision allows: 0.1 and not 0.10000000149."""
    value = getattr(row, name)
    return float(str(np.float32(value))) if name in NUMBERS else value
