"""Live preview: the layers are performed anew while sliders move, and shown on the head without a key.

Nothing listens for changes: a timer asks a few dozen times a second whether anything is asked for otherwise, so that
sliders, presets, markers, keyed emotions, a target that is moved and undo all count alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ...core import pipeline
from ...core.curves import Curves
from ...core.errors import FacewrightError
from ...core.heard import Heard
from ...core.settings import ModelSettings
from ..base import sound, waiting
from ..base.jobs import board
from ..fcurves.preview_overlay import Overlay, heal
from ..fcurves.targets import Strand
from ..head import mapping_rows, rig
from ..head.character import character_of
from ..head.standing import NOTED
from ..takes import bake
from . import directing, preview_asked

TICK_S = 1 / 40


@dataclass
class Preview:
    """One head and one line, heard already; what was asked for last, and what is shown of it."""

    scene: str
    head: str
    line: sound.Line
    model: ModelSettings
    heard: Heard
    found: rig.Head
    mapped: str  # the object that keeps the head's mapping
    overlay: Overlay
    subject: object = None  # what was chosen when it began
    asked: tuple[object, ...] = ()  # what `_asked` gave when it was performed last, the head first
    target: object = None  # what was looked at then
    looks: directing.Looks = (None, ())  # sampled anew only when the target is another: it may take the whole scene
    notes: tuple[str, ...] = ()
    error: str = ""
    updates: int = 0


_now: Preview | None = None  # one a Blender, as there is one window manager


def current() -> Preview | None:
    """The preview that is on."""
    return _now


def begin(
    scene: bpy.types.Scene, head: bpy.types.Object, line: sound.Line, model: ModelSettings, heard: Heard
) -> Preview:
    """Shows the line on the head from now on; a FacewrightError says what cannot be."""
    global _now
    leave()
    found = rig.examine(scene, head)
    mapped = mapping_rows.holder(character_of(scene, head)).name
    shown = Overlay((), line.frame)
    preview = Preview(
        scene.name_full, head.name_full, line, model, heard, found, mapped, shown, preview_asked.subject(scene)
    )
    preview.asked = _asked(preview, scene)
    _perform(preview, scene, head)
    _now = preview
    preview.overlay.lay(scene.frame_current)
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=TICK_S)
    return preview


def leave() -> None:
    """Takes the preview off; the head is as it was."""
    global _now
    if _now is not None:
        _now.overlay.lift()
        heal()  # what was renamed meanwhile
        _now = None


def update() -> bool:
    """Performs anew if anything is asked for otherwise than last time; whether it was. Another line or head ends it."""
    if _now is None:
        return False
    scene, head = _scene(_now), _head(_now)
    if scene is None or head is None:
        leave()
        return False
    if preview_asked.subject(scene) != _now.subject:
        leave()
        board.show(notes=("the preview was left: another line, place or head was chosen",))
        return False
    before, _now.asked = _now.asked, _asked(_now, scene)  # noted first: what cannot be is not tried again as it is
    if _now.asked == before:
        return False
    _now.overlay.lift()  # turns go on top of how the animator poses the head
    try:
        if _now.asked[0] != before[0]:
            _now.found = rig.examine(scene, head)
        _perform(_now, scene, head)
        _now.error = ""
    except FacewrightError as error:  # such as a target that was dragged into the head: shown until it is out
        _now.error = str(error)
    _now.overlay.lay(scene.frame_current)
    return True


def performance() -> bake.Performance:
    """What is shown, to be written as it is."""
    if _now is None or (scene := _scene(_now)) is None:
        raise FacewrightError("no preview is on; start one first")
    directed = _directed(_now, scene, _head(_now))
    return directing.perform(_now.line, directed)  # heard already, so it is quick


def _perform(preview: Preview, scene: bpy.types.Scene, head: bpy.types.Object) -> None:
    directed = _directed(preview, scene, head)
    curves = pipeline.perform(preview.heard, directed.settings, directed.direction)
    sampled = sound.on_frames(scene, preview.line, curves)
    preview.overlay.strands = _strands(preview.found, sampled, preview.line.frame)
    preview.notes = directed.notes
    preview.updates += 1


def _strands(found: rig.Head, sampled: Curves, first_frame: int) -> tuple[Strand, ...]:
    """What the curves come to on the head; what a bake would note on its bones is not left there."""
    targets = [joint.target() for joint in found.joints.values()]
    if targets:
        bpy.context.view_layer.update()  # they stand as the animator has them, not as was shown a moment ago
    noted = [(target, {name: target[name] for name in NOTED if name in target}) for target in targets]
    strands = found.strands(sampled, first_frame)
    for target, before in noted:
        for name in NOTED:
            target.pop(name, None)
            if name in before:
                target[name] = before[name]
    return tuple(strands)


def _directed(preview: Preview, scene: bpy.types.Scene, head: bpy.types.Object | None) -> directing.Directed:
    if preview.target != (target := preview_asked.target(scene)):
        preview.looks, preview.target = directing.looks_of(scene, preview.found, head, preview.line), target
    return directing.directed(scene, head, preview.line, preview.model, preview.found, preview.looks)


def _asked(preview: Preview, scene: bpy.types.Scene) -> tuple[object, ...]:
    head = preview_asked.head(scene.objects.get(preview.found.root), scene.objects.get(preview.mapped))
    return head, *preview_asked.performance(scene, preview.model)


def _scene(preview: Preview) -> bpy.types.Scene | None:
    return next((scene for scene in bpy.data.scenes if scene.name_full == preview.scene), None)


def _head(preview: Preview) -> bpy.types.Object | None:
    scene = _scene(preview)
    return next((o for o in scene.objects if o.name_full == preview.head), None) if scene else None


def _tick() -> float | None:
    """Looks again in a moment, as long as a preview is on."""
    if _now is not None and update():
        waiting.redraw_sidebars(bpy.context)
    return TICK_S if _now is not None else None


@persistent
def _before_frame(scene: bpy.types.Scene, _depsgraph: Any = None) -> None:
    """Keys are evaluated on what lies below, never on what was shown on the last frame."""
    if _now is not None and scene.name_full == _now.scene:
        _now.overlay.lift()


@persistent
def _after_frame(scene: bpy.types.Scene, _depsgraph: Any = None) -> None:
    if _now is not None and scene.name_full == _now.scene:
        _now.overlay.lay(scene.frame_current)


@persistent
def _after_undo(*_arguments: Any) -> None:
    """An undo step brings back what was shown when it was made: off with it, and on with what is shown now."""
    heal()
    if _now is None:
        return
    _now.overlay.forget()
    try:
        scene, head = _scene(_now), _head(_now)
        if scene is None or head is None:
            leave()
            return
        _now.found = rig.examine(scene, head)
        _now.asked = (None,)  # unlike anything
        update()
    except FacewrightError:
        leave()


@persistent
def _before_save(*_arguments: Any) -> None:
    if _now is not None:
        _now.overlay.lift()


@persistent
def _after_save(*_arguments: Any) -> None:
    if _now is not None and (scene := _scene(_now)) is not None:
        _now.overlay.lay(scene.frame_current)


@persistent
def _before_load(*_arguments: Any) -> None:
    leave()


@persistent
def _before_render(*_arguments: Any) -> None:
    if _now is not None:
        leave()
        board.show(notes=("the preview was left: a render shows what is keyed",))


@persistent
def _after_load(*_arguments: Any) -> None:
    heal()


HANDLERS = (
    ("frame_change_pre", _before_frame),
    ("frame_change_post", _after_frame),
    ("undo_post", _after_undo),
    ("redo_post", _after_undo),
    ("save_pre", _before_save),
    ("save_post", _after_save),
    ("load_pre", _before_load),
    ("render_init", _before_render),
    ("load_post", _after_load),
)


def register() -> None:
    """Hooks into frames, undo, saving and loading."""
    for name, handler in HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    """Takes any preview off, and the hooks with it."""
    leave()
    for name, handler in HANDLERS:
        getattr(bpy.app.handlers, name).remove(handler)
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
