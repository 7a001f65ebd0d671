"""The Facewright tab of the 3D view's sidebar; panels only draw."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Literal

import bpy

from ...core.errors import FacewrightError
from ..base.jobs import board
from ..direction import properties
from ..head import character, rig
from .operators import FACEWRIGHT_OT_animate, FACEWRIGHT_OT_cancel

PIXELS_A_LETTER = 7  # at 1x interface scale; wraps a little early rather than cut a word
Icon = Literal["CHECKMARK", "INFO", "ERROR", "BLANK1", "HIDE_OFF"]
WARN_BELOW = 0.75  # share of channels found


class FACEWRIGHT_PT_speech(bpy.types.Panel):
    """Line, head, coverage, and one button."""

    bl_label = "Speech"
    bl_category = "Facewright"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        chosen = properties.choices_of(context.scene)
        _draw_line(layout, chosen)
        head = properties.head_of(context)
        layout.prop(chosen, "head", text="", icon="USER", placeholder=head.name if head else "")
        coverage = _coverage(context.scene, head)
        draw_text(layout, context, coverage.line, coverage.icon, alert=coverage.is_refused)
        for detail in coverage.details:
            draw_text(layout, context, detail, "INFO")
        _draw_button(layout)
        _draw_outcome(layout, context, said=coverage.details)
        layout.prop(chosen, "fit_scene")


def _draw_line(layout: bpy.types.UILayout, chosen: properties.FACEWRIGHT_PG_choices) -> None:
    column = layout.column(align=True)
    column.row(align=True).prop(chosen, "source", expand=True)
    if chosen.source == "STRIP":
        column.prop(chosen, "strip", text="", icon="SEQUENCE", placeholder="Sound strip")
        return
    column.prop(chosen, "sound", text="", placeholder="Sound file")
    column.prop(chosen, "frame_start")


def _draw_button(layout: bpy.types.UILayout) -> None:
    column = layout.column(align=True)
    column.scale_y = 1.6
    if board.job is None:
        column.operator(FACEWRIGHT_OT_animate.bl_idname, text="Animate", icon="PLAY")
        return
    row = column.row(align=True)
    row.progress(factor=board.job.progress, text=board.job.told)
    row.operator(FACEWRIGHT_OT_cancel.bl_idname, text="", icon="X")


def _draw_outcome(layout: bpy.types.UILayout, context: bpy.types.Context, said: tuple[str, ...]) -> None:
    """How the last bake ended; what the coverage says already is not said twice."""
    if board.error:
        draw_text(layout.box(), context, board.error, "ERROR", alert=True)
    notes = [note for note in board.notes if note not in said]
    if board.result or notes:
        box = layout.box()
        if board.result:
            draw_text(box, context, board.result, "CHECKMARK")
        for note in notes:
            draw_text(box, context, note, "INFO")


def draw_text(
    layout: bpy.types.UILayout,
    context: bpy.types.Context,
    text: str,
    icon: Icon,
    alert: bool = False,
) -> None:
    """Text in as many lines as the sidebar's width asks for, an icon before the first."""
    column = layout.column(align=True)
    column.alert = alert
    column.scale_y = 0.8
    for number, line in enumerate(textwrap.wrap(_sentence(text), letters_in(context, 60))):
        column.label(text=line, icon=icon if number == 0 else "BLANK1", translate=False)


def letters_in(context: bpy.types.Context, beside: int) -> int:
    """How many letters a line of the sidebar has room for, where other things take so many pixels at 1x scale."""
    width = context.region.width / context.preferences.system.ui_scale
    return max(16, int((width - beside) / PIXELS_A_LETTER))


def _sentence(text: str) -> str:
    """With a capital letter, unless the first word is the name of a key."""
    return text[:1].upper() + text[1:] if text.split(" ")[0].islower() else text


@dataclass(frozen=True)
class _Coverage:
    line: str
    details: tuple[str, ...] = ()
    icon: Icon = "CHECKMARK"
    is_refused: bool = False
    found: rig.Head | None = None


_cache: dict[tuple[str, str], _Coverage] = {}  # (scene, head) → what was found; emptied when the scene changes


def forget_coverage() -> None:
    """What was found may have changed."""
    _cache.clear()
    character.forget_faces()


def found_of(scene: bpy.types.Scene, head: bpy.types.Object | None) -> rig.Head | None:
    """What a bake would move, without looking again where nothing has changed; None if that is nothing."""
    return _coverage(scene, head).found


def _coverage(scene: bpy.types.Scene, head: bpy.types.Object | None) -> _Coverage:
    key = (scene.name_full, head.name_full if head else "")
    if key not in _cache:
        _cache[key] = _examined(scene, head)
    return _cache[key]


def _examined(scene: bpy.types.Scene, head: bpy.types.Object | None) -> _Coverage:
    try:
        found = rig.examine(scene, head)
    except FacewrightError as error:
        return _Coverage(str(error), icon="ERROR", is_refused=True)
    keys, missing = len(found.detection.keys), len(found.detection.missing)
    meshes = f"{len(found.parts)} {'mesh' if len(found.parts) == 1 else 'meshes'}"
    title, *more = found.explain().splitlines()
    if found.parts:
        title = f"{title.rstrip('.')} on {meshes}"
    icon: Icon = "CHECKMARK" if keys >= WARN_BELOW * (keys + missing) else "INFO"
    return _Coverage(title, (*(line.rstrip(".") for line in more), *found.notes), icon, found=found)
