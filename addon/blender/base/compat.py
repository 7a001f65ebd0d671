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
ALWAYS_NODES = bpy.app.version >= (5, 0)
HAS_HANDLES = bpy.app.version >= (5, 2)  # strip.left_handle; frame_final_start is deprecated from then on
LAST_KEY = 0 if HAS_HANDLES else 1  # frames from a strip's last retiming key to its sound's end (seen in 5.2 and 4.5)

# Without this option a field turns the `//` of a path into an absolute one, from the version that knows it.
PATH_OPTIONS = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5) else set()


def curves_of(action: Any, owner: Any) -> list[Any]:
    """The curves that move `owner`, whose action this is."""
    return _curves(action, [owner.animation_data.action_slot] if HAS_SLOTS else ())


def every_curve(action: Any) -> list[Any]:
    """The curves of an action, whatever they move."""
    return _curves(action, action.slots if HAS_SLOTS else ())


def curves_at(action: Any, path: str) -> list[Any]:
    """The curves of an action for a data path of an object, whether or not the action moves anything now."""
    slots = action.slots if HAS_SLOTS else ()
    found = _curves(action, [slot for slot in slots if slot.target_id_type in {"OBJECT", "UNSPECIFIED"}])
    return [curve for curve in found if curve.data_path == path]


def strip_curves(strip: Any, path: str) -> list[Any]:
    """The curves for a data path that an NLA strip plays."""
    found = _curves(strip.action, [strip.action_slot] if HAS_SLOTS else ())
    return [curve for curve in found if curve.data_path == path]


def _curves(action: Any, slots: Iterable[Any]) -> list[Any]:
    """The curves of an action's slots, None among them passed over; all that it has, where there are none yet."""
    if not HAS_SLOTS:
        return list(action.fcurves)
    strips = [strip for layer in action.layers for strip in layer.strips]
    bags = [strip.channelbag(slot) for slot in slots if slot is not None for strip in strips]
    return [curve for bag in bags if bag for curve in bag.fcurves]


def curves_in(action: Any, owner: Any) -> list[Any]:
    """The curves that a take's action has for `owner`, whether or not it moves it now."""
    animation = owner.animation_data
    if animation and animation.action == action:
        return curves_of(action, owner)
    return list(_bag(action, owner).fcurves) if not HAS_SLOTS or _slot(action, owner) else []


def curve_like(action: Any, owner: Any, model: Any) -> Any:
    """A curve of a take's action for the same property of `owner` as `model`, in a group of its name and colour."""
    bag = _bag(action, owner)
    curve = bag.fcurves.new(model.data_path, index=model.array_index)
    curve.extrapolation, curve.color_mode = model.extrapolation, model.color_mode
    if model.color_mode == "CUSTOM":
        curve.color = model.color
    if model.group is not None:
        group = bag.groups.get(model.group.name) or bag.groups.new(model.group.name)
        group.color_set = model.group.color_set
        curve.group = group
    return curve


def moves_others(action: Any, owner: Any) -> bool:
    """Whether what an action has for `owner` moves another data-block too."""
    if HAS_SLOTS:
        slot = _slot(action, owner)
        return slot is not None and any(user != owner for user in slot.users())
    blocks: Iterable[Any] = (*bpy.data.objects, *bpy.data.shape_keys)
    return any(b != owner and b.animation_data and b.animation_data.action == action for b in blocks)


def _slot(action: Any, owner: Any) -> Any:
    """A take's slot for `owner`; others are of data-blocks that Blender, when they were keyed, put in with it."""
    return next((slot for slot in action.slots if slot.target_id_type in {owner.id_type, "UNSPECIFIED"}), None)


def _bag(action: Any, owner: Any) -> Any:
    """What holds the curves and groups of an action for `owner`."""
    if not HAS_SLOTS:
        return action
    layer = action.layers[0] if len(action.layers) else action.layers.new("Layer")
    strip = layer.strips[0] if len(layer.strips) else layer.strips.new(type="KEYFRAME")
    slot = _slot(action, owner)
    if slot is None:  # the animator has moved it into another Action
        slot = action.slots.new(id_type=owner.id_type, name=owner.name)
    return strip.channelbag(slot, ensure=True)


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
    """Makes a take's action animate `owner`, by the slot that it has for it."""
    _assign(owner, action)
    if HAS_SLOTS and owner.animation_data.action_slot is None:  # Blender asks for the name of `owner` when it was keyed
        owner.animation_data.action_slot = _slot(action, owner)


def assign_copy(owner: Any, action: Any) -> None:
    """The same for a copy that was just made: without the slots of what goes on with the Action that was copied."""
    _assign(owner, action)
    if HAS_SLOTS:
        for slot in [slot for slot in action.slots if slot != owner.animation_data.action_slot and not slot.users()]:
            action.slots.remove(slot)


def _assign(owner: Any, action: Any) -> None:
    """An action that has the slot that `owner` used keeps it in use."""
    animation = owner.animation_data or owner.animation_data_create()
    used = animation.action_slot.identifier if HAS_SLOTS and animation.action_slot else None
    animation.action = action
    if used is not None and used in action.slots:
        animation.action_slot = action.slots[used]


def use_nodes(material: Any) -> None:
    """Gives a new material its nodes; from 5.0 on each has them, and even asking is deprecated."""
    if not ALWAYS_NODES:
        material.use_nodes = True


def put_bytes(owner: Any, name: str, data: bytes) -> None:
    """Sets a custom property; Blender 4.5 and others cut bytes off at the first zero where one was set before."""
    if name in owner:
        del owner[name]
    owner[name] = data


def use_slot(strip: Any, animation: Any) -> None:
    """Lets an NLA strip play what the animation's own Action plays now."""
    if HAS_SLOTS and animation.action_slot is not None:
        strip.action_slot = animation.action_slot


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
    """Frames: where the strip's whole sound would start, where it is first heard and where it is last heard.

    The handles of meta strips that it lies in cut it off as its own do.
    """
    whole, left, right = _handles(strip)
    while (strip := strip.parent_meta()) is not None:
        _, first, last = _handles(strip)
        left, right = max(left, first), min(right, last)
    return whole, left, right


def _handles(strip: Any) -> tuple[float, float, float]:
    if HAS_HANDLES:
        begin, left, right = strip.content_start, strip.left_handle, strip.right_handle
    else:
        begin, left, right = strip.frame_start, strip.frame_final_start, strip.frame_final_end
    return begin - _cut_frames(strip), left, right


def _cut_frames(strip: Any) -> float:
    """How many frames of its sound a strip lacks at its beginning: after a hard split they are not even hidden in it.

    Less where the sound begins late, as that of a film may.
    """
    if strip.type != "SOUND":
        return 0.0
    render = strip.id_data.render
    late_s = getattr(strip, "sound_offset", 0.0)  # Blender 4.4 and later
    return float(split_off(strip)[0] - late_s * render.fps / render.fps_base)


def split_off(strip: Any) -> tuple[int, int]:
    """How many frames, as they were recorded, hard splits took off a strip's sound at its beginning and its end."""
    if HAS_HANDLES:
        return strip.content_trim_start, strip.content_trim_end
    return strip.animation_offset_start, strip.animation_offset_end


def is_muted(scene: bpy.types.Scene, strip: Any) -> bool:
    """Whether a strip is not heard: it, its channel, or a meta strip that it lies in is muted."""
    while strip is not None:
        meta = strip.parent_meta()
        holder: Any = meta or scene.sequence_editor
        if strip.mute or holder.channels[strip.channel].mute:
            return True
        strip = meta
    return False
