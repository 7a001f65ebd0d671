"""Where curves go: a strand is one value over time for one property of one data-block, whatever kind that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy

from ...core import channels
from ...core.curves import Array

BAKED = "facewright_takes"  # custom property of an Action that a bake has made
BEFORE = "facewright_before"  # and of the same: the animator's Action that it began as a copy of
VISEMES = "Visemes"
OTHER = "Face"  # of what belongs to no channel
_GROUPS = {
    "jaw": "Jaw",
    "mouth": "Mouth",
    "brows": "Brows",
    "cheeks": "Cheeks",
    "lids": "Eyes",
    "gaze": "Eyes",
    "head": "Head",
}
_GROUP_OF = {name: _GROUPS[group] for group, names in channels.GROUPS.items() for name in names} | {
    "tongueOut": "Tongue"
}


@dataclass(frozen=True)
class Owner:
    """A data-block of this file that an Action can move, by name: references do not survive an undo."""

    collection: str  # of bpy.data: "shape_keys" or "objects"
    name: str
    shown: str  # the object that an animator knows it by

    def block(self) -> Any:
        """The data-block itself; never a linked one of the same name."""
        return getattr(bpy.data, self.collection)[self.name, None]


@dataclass(frozen=True)
class Place:
    """The property that a control is on a data-block."""

    name: str  # the control's: a shape key's, a custom property's, or CTRL_C_jaw.ty
    path: str
    index: int = 0
    namesake: str = ""  # the control of other meshes whose value it takes, where this one spells it otherwise

    @property
    def control(self) -> str:
        """The control whose value goes here."""
        return self.namesake or self.name


@dataclass(frozen=True)
class Spot:
    """A place that was found, before it is known whether anything is to go there."""

    owner: Owner
    place: Place
    closed: str | None  # why nothing may be written there
    low: float  # what Blender lets it be; beyond, it is cut off
    high: float


@dataclass(frozen=True)
class Part:
    """The controls that may be written on one data-block."""

    owner: Owner
    places: tuple[Place, ...]

    @property
    def controls(self) -> tuple[str, ...]:
        """The controls' names."""
        return tuple(place.control for place in self.places)


@dataclass(frozen=True, eq=False)
class Strand:
    """What one F-curve is to hold: `values`, (T,), one a frame, for a property of `owner`."""

    owner: Owner
    path: str  # the property's data path under the owner
    index: int  # which number of it, 0 where it has only one
    group: str  # of the Graph Editor's channel groups
    name: str  # the key, control or channel that it shows
    values: Array


def group_of(channel: str) -> str:
    """The Graph Editor's group for a channel: Mouth, Jaw, Cheeks, Brows, Eyes, Head or Tongue."""
    return _GROUP_OF.get(channel, OTHER)


def value_path(key: str) -> str:
    """The data path of a key's value, under the shape-key data-block."""
    return f'key_blocks["{bpy.utils.escape_identifier(key)}"].value'


def bone_path(bone: str, rest: str) -> str:
    """The data path of a pose bone's property, under the armature object: `rest` is .location or ["name"]."""
    return f'pose.bones["{bpy.utils.escape_identifier(bone)}"]{rest}'


def property_path(name: str) -> str:
    """The data path of a custom property, under what carries it."""
    return f'["{bpy.utils.escape_identifier(name)}"]'


def owner_of(obj: bpy.types.Object) -> Owner:
    """An object as what an Action moves."""
    return Owner("objects", obj.name, obj.name)
