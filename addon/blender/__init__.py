"""The Blender extension: the only room that imports bpy. `register` is what the extension's entry point calls."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Sequence

import bpy
from bpy.app.handlers import persistent

from .base import hearing, jobs, waiting
from .base.preferences import FACEWRIGHT_AP_preferences
from .direction import layer_properties, presets, preview, preview_operators
from .direction.properties import PROPERTY, FACEWRIGHT_PG_choices
from .head import mapping_rows, rig_properties
from .mapping import mapping, mapping_files, mapping_panel, mapping_solo, solve, solve_panel
from .sidebar import (
    animate_all,
    animate_all_panel,
    exchange,
    hint,
    layer_panels,
    rebake_operators,
    rig_panel,
    take_operators,
    take_panel,
)
from .sidebar.operators import FACEWRIGHT_OT_animate, FACEWRIGHT_OT_cancel, draw_menu
from .sidebar.panels import FACEWRIGHT_PT_speech, forget_coverage
from .takes import take_properties

CLASSES = (
    *layer_properties.CLASSES,
    *rig_properties.CLASSES,
    *take_properties.CLASSES,
    *mapping_rows.CLASSES,
    FACEWRIGHT_PG_choices,
    FACEWRIGHT_AP_preferences,
    FACEWRIGHT_OT_animate,
    FACEWRIGHT_OT_cancel,
    FACEWRIGHT_PT_speech,
    *rig_panel.CLASSES,
    *hint.CLASSES,
    *preview_operators.CLASSES,
    *presets.CLASSES,
    *layer_panels.CLASSES,
    *animate_all.CLASSES,
    *animate_all_panel.CLASSES,
    *exchange.CLASSES,
    *solve.CLASSES,
    *solve_panel.CLASSES,
    *mapping.CLASSES,
    *mapping_files.CLASSES,
    *mapping_solo.CLASSES,
    *mapping_panel.CLASSES,
    *take_operators.CLASSES,
    *rebake_operators.CLASSES,
    *take_panel.CLASSES,
)
_commands: list[object] = []  # what unregister_cli_command takes


def register(package: str) -> None:
    """Registers everything; `package` is the name that Blender gave the extension."""
    FACEWRIGHT_AP_preferences.bl_idname = package
    for kind in CLASSES:
        bpy.utils.register_class(kind)
    rig_properties.attach()
    take_properties.attach()
    solve.attach()
    mapping_rows.attach()
    setattr(bpy.types.Scene, PROPERTY, bpy.props.PointerProperty(type=FACEWRIGHT_PG_choices))
    bpy.types.VIEW3D_MT_object_animation.append(draw_menu)  # type: ignore[arg-type]  # the stubs forget that the menu comes first
    exchange.register()
    bpy.app.handlers.depsgraph_update_post.append(_scene_changed)
    bpy.app.handlers.undo_post.append(_undone)
    bpy.app.handlers.load_post.append(_file_loaded)
    setattr(bpy.types.Scene, animate_all.PROPERTY, bpy.props.PointerProperty(type=animate_all.FACEWRIGHT_PG_all))
    FACEWRIGHT_PT_speech.prepend(hint.draw_hint)  # type: ignore[arg-type]
    preview.register()
    _commands.append(bpy.utils.register_cli_command("facewright", _run_command))
    if not bpy.app.binary_path:
        atexit.register(unregister)  # Blender as a Python module crashes on exit with classes that nobody took back


def unregister() -> None:
    """Takes everything back."""
    atexit.unregister(unregister)
    while _commands:
        bpy.utils.unregister_cli_command(_commands.pop())
    preview.unregister()
    FACEWRIGHT_PT_speech.remove(hint.draw_hint)  # type: ignore[arg-type]
    bpy.app.handlers.load_post.remove(_file_loaded)
    bpy.app.handlers.undo_post.remove(_undone)
    bpy.app.handlers.depsgraph_update_post.remove(_scene_changed)
    bpy.types.VIEW3D_MT_object_animation.remove(draw_menu)  # type: ignore[arg-type]
    exchange.unregister()
    delattr(bpy.types.Scene, animate_all.PROPERTY)
    delattr(bpy.types.Scene, PROPERTY)
    mapping_rows.detach()
    rig_properties.detach()
    take_properties.detach()
    solve.detach()
    for kind in reversed(CLASSES):
        bpy.utils.unregister_class(kind)
    waiting.stop(bpy.context)
    hearing.forget()


@persistent
def _scene_changed(*_arguments: object) -> None:
    forget_coverage()
    mapping_panel.forget()


@persistent
def _undone(*_arguments: object) -> None:
    forget_coverage()
    mapping_panel.forget()
    if jobs.board.job is None:
        jobs.board.show()  # what it says was written may be gone


@persistent
def _file_loaded(*_arguments: object) -> None:
    forget_coverage()
    mapping_panel.forget()
    jobs.board.show()


def _run_command(arguments: Sequence[str]) -> int:
    """`blender --command facewright ...`, the same command line as outside Blender; its exit code."""
    from .. import cli

    options = [argument.partition("=")[0] for argument in arguments]
    if not bpy.app.online_access and {"--t", "--to"} & set(options):  # argparse takes the one for the other
        print("facewright: Blender is offline; allow online access in its preferences to use --to", file=sys.stderr)
        return cli.MENDABLE
    return cli.main(arguments)
