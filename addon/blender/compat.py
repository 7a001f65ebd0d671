"""What differs between Blender 4.2 and 5.x, and nothing else: the only place that asks for a version.

Types are Any where only some of these versions have the attribute.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy

HAS_SLOTS = bpy.app.version >= (4, 4)
TAKES_GROUP = bpy.app.version >= (5, 0)  # the group of a curve as an argument
HAS_STRIPS = bpy.app.version >= (4, 4)  # before, a strip was called a sequence
HAS_HANDLES = bpy.app.version >= (5, 2)  # strip.left_handle; frame_final_start is deprecated from then on

# Without this option a field turns the `//` of a path into an absolute one, from the version that knows it.
PATH_OPTIONS = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5) else set()


def curves_of(action: Any, owner: Any) -> list[Any]:
    """The curves that move `owner`, whose action this is."""
    if not HAS_SLOTS:
        return list(action.fcurves)
    slot = owner.animation_data.action_slot
    if slot is None:
        return []
    bags = [strip.channelbag(slot) for layer in action.layers for strip in layer.strips]
    return [curve for bag in bags if bag for curve in bag.fcurves]


def curves_at(action: Any, path: str) -> list[Any]:
    """The curves of an action for a data path of an object, whether or not the action moves anything now."""
    if not HAS_SLOTS:
        return [curve for curve in action.fcurves if curve.data_path == path]
    slots = [slot for slot in action.slots if slot.target_id_type in {"OBJECT", "UNSPECIFIED"}]
    bags = [strip.channelbag(slot) for slot in slots for layer in action.layers for strip in layer.strips]
    return [curve for bag in bags if bag for curve in bag.fcurves if curve.data_path == path]


def new_curve(action: Any, owner: Any, path: str, index: int, group: str) -> Any:
    """A curve for a property that has none yet, in a group; `owner` is animated by `action` already."""
    if TAKES_GROUP:
        return action.fcurve_ensure_for_datablock(owner, path, index=index, group_name=group)
    if not HAS_SLOTS:
        return action.fcurves.new(path, index=index, action_group=group)
    curve = action.fcurve_ensure_for_datablock(owner, path, index=index)
    bag = action.layers[0].strips[0].channelbag(owner.animation_data.action_slot)
    curve.group = bag.groups.get(group) or bag.groups.new(group)
    return curve


def assign(owner: Any, action: Any) -> None:
    """Makes `action` animate `owner`; an action that has a slot for it keeps only that one."""
    animation = owner.animation_data or owner.animation_data_create()
    used = animation.action_slot.identifier if HAS_SLOTS and animation.action_slot else None
    animation.action = action
    if not HAS_SLOTS:
        return
    if used is not None and used in action.slots:
        animation.action_slot = action.slots[used]
    for slot in [slot for slot in action.slots if slot != animation.action_slot]:
        action.slots.remove(slot)


def strips(scene: bpy.types.Scene) -> Any:
    """The top-level strips of the scene's sequencer, which is made if there is none."""
    editor: Any = scene.sequence_editor or scene.sequence_editor_create()
    return editor.strips if HAS_STRIPS else editor.sequences


def sound_strips(scene: bpy.types.Scene) -> list[Any]:
    """Every sound strip of the scene's sequencer, those inside meta strips too."""
    editor: Any = scene.sequence_editor
    if editor is None:
        return []
    every: Iterable[Any] = editor.strips_all if HAS_STRIPS else editor.sequences_all
    return [strip for strip in every if strip.type == "SOUND"]


def span(strip: Any) -> tuple[float, float, float]:
    """Frames: where the strip's whole sound would start, where it is first heard and where it is last heard."""
    if HAS_HANDLES:
        return strip.content_start, strip.left_handle, strip.right_handle
    return strip.frame_start, strip.frame_final_start, strip.frame_final_end
