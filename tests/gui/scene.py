"""Runs inside Blender's window: chooses line and head, opens the tab, then says ten times a second what it sees.

Environment: FACEWRIGHT_STAGE is the folder to write state.json to; files in it ask for something: show-widest for
that frame, revisit for going there again, mumble for the jaw's slider to be lowered.
The line to speak follows `--`.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

import bpy

STAGE = Path(os.environ["FACEWRIGHT_STAGE"])
LINE = sys.argv[sys.argv.index("--") + 1]
TAB = "Facewright"
EVERY_S = 0.1

ticks = 0
widest: dict[str, float] = {}  # once it was asked for
bpy.context.preferences.view.show_splash = False
bpy.context.window_manager.clipboard = ""


def prepare() -> None:
    """What an animator does before the click: a head selected, a line chosen. One undo step, like any of theirs."""
    head = next(
        o
        for o in bpy.context.scene.objects
        if o.type == "MESH" and o.data.shape_keys and "jawOpen" in o.data.shape_keys.key_blocks
    )
    for other in bpy.context.selected_objects:
        other.select_set(False)
    head.select_set(True)
    bpy.context.view_layer.objects.active = head
    bpy.context.scene.facewright.sound = bpy.path.relpath(LINE)
    overlay = sidebar()[1].spaces.active.overlay
    overlay.show_extras = overlay.show_outline_selected = overlay.show_cursor = False  # the picture is of the head
    bpy.ops.ed.undo_push(message="Choose a line")


def sidebar() -> tuple[bpy.types.Window, bpy.types.Area, bpy.types.Region]:
    window = bpy.context.window_manager.windows[0]
    area = max((a for a in window.screen.areas if a.type == "VIEW_3D"), key=lambda a: a.width * a.height)
    return window, area, next(r for r in area.regions if r.type == "UI")


def open_tab() -> str:
    """The name of the open tab; it can only be chosen after the sidebar was drawn once."""
    _, area, region = sidebar()
    area.spaces.active.show_region_ui = True
    if region.active_panel_category != TAB:
        with suppress(AttributeError, TypeError):  # not drawn yet
            region.active_panel_category = TAB
        area.tag_redraw()
    return region.active_panel_category


def curves(action: bpy.types.Action) -> list[bpy.types.FCurve]:
    if hasattr(action, "fcurves"):
        return list(action.fcurves)
    return [c for layer in action.layers for strip in layer.strips for bag in strip.channelbags for c in bag.fcurves]


def keyed() -> dict[str, list[list[float]]]:
    """Every keyed shape key: its keys as [frame, value]."""
    actions = [k.animation_data.action for k in bpy.data.shape_keys if k.animation_data and k.animation_data.action]
    return {
        curve.data_path.removeprefix('key_blocks["').removesuffix('"].value'): [
            list(p.co) for p in curve.keyframe_points
        ]
        for action in actions
        for curve in curves(action)
    }


def strips() -> list[dict[str, object]]:
    editor = bpy.context.scene.sequence_editor
    found = (editor.strips if hasattr(editor, "strips") else editor.sequences) if editor else ()
    start = "content_start" if bpy.app.version >= (5, 2) else "frame_start"
    return [{"start": getattr(s, start), "file": s.sound.filepath} for s in found if s.type == "SOUND"]


def show_widest() -> dict[str, float]:
    """Goes to the frame where the jaw is keyed widest; what is keyed there, and what the head shows."""
    frame, value = max(keyed()["jawOpen"], key=lambda point: point[1])
    bpy.context.scene.frame_set(round(frame))
    shown = [k.key_blocks["jawOpen"].value for k in bpy.data.shape_keys if "jawOpen" in k.key_blocks]
    return {"frame": frame, "keyed": value, "shown": max(shown)}


def preview() -> dict[str, object]:
    """Whether a preview is on, how often it was performed, and what the jaw shows on this frame."""
    module = next((m for name, m in sys.modules.items() if name.endswith(".addon.blender.direction.preview")), None)
    current = module.current() if module else None
    jaw = max(k.key_blocks["jawOpen"].value for k in bpy.data.shape_keys if "jawOpen" in k.key_blocks)
    return {"is_on": current is not None, "updates": current.updates if current else 0, "jaw": jaw}


def mumble() -> None:
    """Lowers the jaw's slider, as a hand does: nothing is told but the slider itself."""
    bpy.context.scene.facewright.layers.articulation.jaw = 0.25


def revisit() -> None:
    """Goes to the widest frame again."""
    bpy.context.scene.frame_set(round(widest["frame"]))


ASKED = {"mumble": mumble, "revisit": revisit}


def look() -> float:
    """Writes what is to be seen now."""
    global ticks, widest
    ticks += 1
    window, _, region = sidebar()
    if (STAGE / "show-widest").exists() and not widest:
        widest = show_widest()
    for name, act in ASKED.items():
        if (STAGE / name).exists():
            (STAGE / name).unlink()
            act()
    state = {
        "ticks": ticks,
        "version": bpy.app.version_string,
        "tab": open_tab(),
        "window": [window.width, window.height],
        "sidebar": [region.x, region.y, region.width, region.height],
        "clipboard": bpy.context.window_manager.clipboard,
        "keyed": keyed(),
        "strips": strips(),
        "sound": bpy.context.scene.facewright.sound,
        "widest": widest,
        "preview": preview(),
    }
    partial = STAGE / "state.partial"
    partial.write_text(json.dumps(state), encoding="utf-8")
    partial.replace(STAGE / "state.json")
    return EVERY_S


prepare()
bpy.app.timers.register(look, first_interval=1.0)
