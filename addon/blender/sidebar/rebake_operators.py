"""Re-bake and Update to Strip: they read the range and what is asked, call the bake, and report."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
from dataclasses import replace

import bpy
import numpy as np
from bpy.props import EnumProperty, IntProperty

from ...core.direction import Direction
from ...core.errors import AudioError, FacewrightError
from ...core.settings import Settings
from ..base import compat, preferences
from ..direction import directing
from ..fcurves import keys
from ..takes import memory, rebake, rebake_strip, take_parts, take_properties, takes
from ..takes.take_properties import FACEWRIGHT_PG_saved_take as Take
from .take_operators import OfTake, uid_property

Span = tuple[float, float]


class FACEWRIGHT_OT_rebake(OfTake, bpy.types.Operator):
    """Bake a range of the take again as the panel says; every key that you made, moved or took over stays"""

    bl_idname = "facewright.rebake"
    bl_label = "Bake Again"
    bl_options = {"UNDO"}
    uid: uid_property()
    span: EnumProperty(
        name="Range",
        description="Which frames; Panel: what the panel says",
        items=(
            ("PANEL", "Panel", "What the panel says"),
            ("FRAMES", "Frames", "From First to Last"),
            *take_properties.SPANS,
        ),
        options={"SKIP_SAVE"},
    )
    first: IntProperty(name="First", description="First frame of the range", options={"SKIP_SAVE"})
    last: IntProperty(name="Last", description="Last frame of the range", options={"SKIP_SAVE"})
    asked: EnumProperty(
        name="As",
        description="What the keys are baked from; Panel: what the panel says",
        items=(("PANEL", "Panel", "What the panel says"), *take_properties.ASKED),
        options={"SKIP_SAVE"},
    )

    def act(self, context: bpy.types.Context) -> tuple[str, ...]:
        scene, take = context.scene, self.take(context)
        takes.check_there(take)
        held = takes.of(scene)
        kind = held.span if self.span == "PANEL" else self.span
        span = (self.first, self.last) if kind == "FRAMES" else span_of(scene, take, kind)
        if (held.asked if self.asked == "PANEL" else self.asked) == "TAKE":
            settings, direction = memory.asked(take)
            notes: tuple[str, ...] = ()
        else:
            settings, direction, notes = asked_now(context, take)
        report = rebake.rebake(scene, take, span, settings, direction)
        return (str(report), *notes, *report.notes)


class FACEWRIGHT_OT_update_to_strip(OfTake, bpy.types.Operator):
    """Put the head's lines where their strips are now: moved, trimmed or retimed. Keys of yours move along"""

    bl_idname = "facewright.update_to_strip"
    bl_label = "Update to Strip"
    bl_options = {"UNDO"}
    uid: uid_property()

    def act(self, context: bpy.types.Context) -> tuple[str, ...]:
        report = rebake_strip.update(context.scene, self.take(context))
        return (str(report), *report.notes)


def span_of(scene: bpy.types.Scene, take: Take, kind: str) -> Span | None:
    """The range that is meant, in frames; None for the whole take."""
    if kind == "PREVIEW":
        if not scene.use_preview_range:
            raise FacewrightError("the timeline has no preview range; set one with P")
        return scene.frame_preview_start, scene.frame_preview_end
    if kind == "KEYS":
        return _selected(take)
    if kind == "MARKERS":
        return _between_markers(scene, take)
    return None


def asked_now(context: bpy.types.Context, take: Take) -> tuple[Settings, Direction, tuple[str, ...]]:
    """What the panel asks for now, with the take's own seed; without its sound, what was asked of it then."""
    line = rebake.heard_line(take, rebake_strip.line_now(context.scene, take))
    try:
        now = directing.directed(context.scene, rebake.head_of(take), line, preferences.model_settings(context))
    except AudioError as error:
        return *memory.asked(take), (f"baked as it was made, because the {error}",)
    model = memory.asked(take)[0].model
    return replace(now.settings, seed=take.seed, model=model), now.direction, now.notes


def _selected(take: Take) -> Span:
    """From the first selected key of the take's head to the last."""
    frames = []
    for block, action in take_parts.actions_of(take):
        for curve in compat.curves_of(action, block):
            table = keys.read(curve)
            frames.append(table["co"][table["select_control_point"], 0])
    found = np.concatenate(frames) if frames else np.zeros(0)
    if not len(found):
        raise FacewrightError("no key of the head is selected; select some in the Graph Editor or Dope Sheet")
    return float(found.min()), float(found.max())


def _between_markers(scene: bpy.types.Scene, take: Take) -> Span:
    """From the timeline's marker at or before the current frame to the next; the take's end where there is none."""
    frames = sorted({marker.frame for marker in scene.timeline_markers})
    if not frames:
        raise FacewrightError("the timeline has no markers; set one with M, or choose another range")
    now = scene.frame_current
    before, after = [f for f in frames if f <= now], [f for f in frames if f > now]
    return (before[-1] if before else take.first), (after[0] if after else take.last)


CLASSES = (FACEWRIGHT_OT_rebake, FACEWRIGHT_OT_update_to_strip)
