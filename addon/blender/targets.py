"""Where curves go: a strand is one value over time for one property of one data-block, whatever kind that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy

from ..core import channels
from ..core.curves import Array

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
