"""What belongs to the animator: linked, driven, locked, muted and constrained properties, and how to free them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import bpy

from ...core import errors
from ...core.errors import quoted
from ..base import compat

SHOWN = 4  # names that a note lists: the sidebar is narrow
LOCKED = "locked or muted in the Graph Editor, so left as it is"
TWEAKED = "in an NLA strip that is being tweaked; leave tweak mode (Tab in the NLA editor)"
DRIVEN = "moved by drivers; remove the drivers to animate"
# Constraints that decide a rotation alone; the others limit it, or add to it.
TURNING = {"COPY_ROTATION", "COPY_TRANSFORMS", "DAMPED_TRACK", "IK", "LOCKED_TRACK", "SPLINE_IK", "TRACK_TO"}
MOVING = {"COPY_LOCATION", "COPY_TRANSFORMS", "IK", "SPLINE_IK"}  # the same for a location
MESHES = "{meshes}"  # in a reason: the objects that it is about
Blocked = dict[str, list[tuple[str, str]]]  # reason → names, and the object that each is on


def closed_path(block: Any) -> Callable[[str, int], str | None]:
    """A question to one data-block: why a property, by data path and index, may not be written; None if it may."""
    animation = block.animation_data
    drivers = (
        {(curve.data_path, curve.array_index) for curve in animation.drivers if not curve.mute} if animation else ()
    )
    held = _held(block)

    def why(path: str, index: int) -> str | None:
        if (path, index) in drivers:
            return DRIVEN
        return LOCKED if (path, index) in held else None

    return why


def _held(block: Any) -> set[tuple[str, int]]:
    """Properties whose curve an animator has locked or muted."""
    action = block.animation_data.action if block.animation_data else None
    curves = compat.curves_of(action, block) if action else []
    held = (curve for curve in curves if curve.lock or curve.mute or (curve.group and curve.group.lock))
    return {(curve.data_path, curve.array_index) for curve in held}


def closed_keys(mesh: bpy.types.Object, keys: bpy.types.Key) -> str | None:
    """Why none of a mesh's shape keys is to be written."""
    if not keys.is_editable:
        make = "" if mesh.override_library else "Object > Library Override > Make, then "
        remedy = f"{make}Shift-click the chain beside the mesh of {MESHES} in its Data tab"
        return f"{_linked(keys.library or mesh.library)}; override them: {remedy}"
    if reason := _unheard(keys.animation_data):
        return reason
    return None if keys.use_relative else "absolute; tick Relative in the shape keys"


def closed_object(obj: bpy.types.Object) -> str | None:
    """Why nothing of an object, its bones included, is to be written."""
    if not obj.is_editable:
        return f"{_linked(obj.library)}; use Object > Library Override > Make"
    return _unheard(obj.animation_data)


def closed_block(obj: bpy.types.Object, block: Any) -> str | None:
    """Why nothing of a data-block that an object shows, its shape keys or itself, can be given another Action."""
    if block.is_editable:
        return TWEAKED if is_tweaked(block) else None
    reason = closed_object(obj) if block == obj else closed_keys(obj, block)
    return reason and reason.replace(MESHES, obj.name)


def is_tweaked(block: Any) -> bool:
    """Whether the NLA's tweak mode holds a data-block's Action."""
    return block.animation_data is not None and block.animation_data.use_tweak_mode


def constrained(constraints: Any, kinds: set[str]) -> str | None:
    """Why a bone or an object would not follow keys: a constraint of one of these kinds has the last word."""
    for constraint in constraints:
        if constraint.type in kinds and not constraint.mute and constraint.influence > 0:
            return f"moved by its constraint {quoted(constraint.name)}; mute it, or pick the control that it follows"
    return None


def _linked(library: bpy.types.Library | None) -> str:
    return f"linked from {quoted(bpy.path.basename(library.filepath))}" if library else "linked"


def _unheard(animation: bpy.types.AnimData | None) -> str | None:
    """Why an Action of its own would not be seen."""
    if animation is None:
        return None
    if animation.use_tweak_mode:
        return TWEAKED
    if not animation.use_nla or not len(animation.nla_tracks):
        return None
    if any(track.is_solo for track in animation.nla_tracks):
        return "held by an NLA track that plays alone; untick its star in the NLA editor"
    if animation.action_influence == 0:
        return "without influence; raise the Action's influence in the NLA editor"
    if animation.action_blend_type in {"MULTIPLY", "SUBTRACT"}:
        how = animation.action_blend_type.title()
        return f"blended with NLA tracks by {how}; set the Action's Blending to Replace in the NLA editor"
    return None


def told(blocked: Blocked) -> tuple[str, ...]:
    """A line for every reason: what is left alone, where, and why."""
    return tuple(_told(reason, rows) for reason, rows in blocked.items())


def _told(reason: str, rows: Sequence[tuple[str, str]]) -> str:
    names, where = (list(dict.fromkeys(column)) for column in zip(*rows, strict=True))
    return f"{listed(names)} on {listed(where)}: {reason.replace(MESHES, listed(where))}"


def listed(names: Sequence[str]) -> str:
    """The first few of the names, and how many more there are."""
    return errors.listed(names, SHOWN)
