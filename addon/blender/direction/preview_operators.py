"""Preview, Apply and Leave: they read the context, call the preview, and report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import bpy

from ...core.errors import FacewrightError, RigError, quoted
from ...core.heard import Heard
from ...core.model import RATE
from ...core.settings import ModelSettings
from ..base import hearing, jobs, preferences, sound
from ..base.reporting import Reporting
from ..base.waiting import Waiting, redraw_sidebars
from ..head import rig
from ..takes import bake, memory, takes
from . import directing, preview, properties

if TYPE_CHECKING:
    from ..base.reporting import Outcome

ROW_S = 1 / RATE


class FACEWRIGHT_OT_preview(Waiting, bpy.types.Operator):
    """Show the line on the head while you move the sliders; nothing is keyed, and your own keys stay as they are"""

    bl_idname = "facewright.preview"
    bl_label = "Preview Speech"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if jobs.board.job is not None:
            cls.poll_message_set("A line is being listened to already")
            return False
        if preview.current() is not None:
            cls.poll_message_set("A preview is on already")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> Outcome:
        """Listens unless the line was heard before, then shows it."""
        try:
            line, head = properties.line_of(context.scene), properties.head_of(context)
            rig.examine(context.scene, head)  # refused before the work
        except FacewrightError as error:
            return self.refuse(str(error))
        model = preferences.model_settings(context)
        self._line, self._model, self._scene_name, self._head_name = line, model, context.scene.name, head.name_full
        heard = hearing.recall(line, model) or from_takes(context.scene, line, model)
        if heard is not None:
            jobs.board.show()
            return self.finish(context, heard)
        return self.wait(context, lambda progress: hearing.listen(line, model, progress))

    def finish(self, _context: bpy.types.Context, result: Any) -> Outcome:
        """Shows what was heard."""
        scene: bpy.types.Scene | None = bpy.data.scenes.get(self._scene_name)
        if scene is None:
            return self.refuse(f"scene {quoted(self._scene_name)} is gone")
        jobs.board.show()
        try:
            head = next((obj for obj in scene.objects if obj.name_full == self._head_name), None)
            if head is None:
                raise RigError(f"{quoted(self._head_name)} is gone; choose a head that is there")
            preview.begin(scene, head, self._line, self._model, result)
        except FacewrightError as error:
            return self.refuse(str(error))
        return {"FINISHED"}


def from_takes(scene: bpy.types.Scene, line: sound.Line, model: ModelSettings) -> Heard | None:
    """What a take of the scene keeps of the line, if this model heard that part of a sound of that length."""
    held = takes.of(scene)
    for take in reversed(held.takes):
        kept, _fps = takes.line_of(take)
        same = (kept.path, kept.start_s, kept.end_s) == (line.path, line.start_s, line.end_s)
        begins = math.isclose(take.heard_from_s, line.start_s, rel_tol=1e-6)  # Blender keeps it in single precision
        if not (same and begins) or take.model != memory.identity(model):
            continue
        heard = memory.heard(held, take)
        if heard is not None and abs(heard.curves.duration_s - directing.duration_s(line)) < ROW_S:
            hearing.remember(line, model, heard)
            return heard
    return None


class _OfPreview(Reporting, bpy.types.Operator):
    """What Apply and Leave share."""

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if preview.current() is None:
            cls.poll_message_set("No preview is on")
            return False
        return True


class FACEWRIGHT_OT_preview_apply(_OfPreview):
    """Key the head with what the preview shows, as Animate does"""

    bl_idname = "facewright.preview_apply"
    bl_label = "Apply Preview"
    bl_options = {"UNDO"}

    def execute(self, context: bpy.types.Context) -> Outcome:
        """Writes what is shown; the preview ends."""
        shown = preview.current()
        try:
            performance = preview.performance()
            scene = next(s for s in bpy.data.scenes if s.name_full == shown.scene)
            head = next((obj for obj in scene.objects if obj.name_full == shown.head), None)
            preview.leave()
            report = bake.write(scene, head, performance, properties.choices_of(scene).fit_scene)
        except FacewrightError as error:
            return self.refuse(str(error))
        redraw_sidebars(context)
        return self.succeed(str(report), report.notes)


class FACEWRIGHT_OT_preview_leave(_OfPreview):
    """Take the preview off; the head is as it was before, and nothing was keyed"""

    bl_idname = "facewright.preview_leave"
    bl_label = "Leave Preview"

    def execute(self, context: bpy.types.Context) -> Outcome:
        """Takes it off."""
        preview.leave()
        redraw_sidebars(context)
        return {"FINISHED"}


CLASSES: tuple[type[Any], ...] = (FACEWRIGHT_OT_preview, FACEWRIGHT_OT_preview_apply, FACEWRIGHT_OT_preview_leave)
