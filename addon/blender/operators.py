"""Animate and Cancel: they read the context, call the bake, and report."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import IntProperty, StringProperty

from ..core.errors import FacewrightError, RigError, quoted
from ..core.settings import Settings
from . import bake, jobs, preferences, properties, rig, sound

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

    Outcome = set[OperatorReturnItems]

TICK_S = 0.1


class FACEWRIGHT_OT_animate(bpy.types.Operator):
    """Let the head speak the chosen line: a new Action on each of its meshes, and the sound in the sequencer"""

    bl_idname = "facewright.animate"
    bl_label = "Animate Face from Speech"
    bl_options = {"UNDO"}

    sound: StringProperty(
        name="Sound", description="Sound file; empty: what the panel says", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    strip: StringProperty(name="Strip", description="Sound strip to speak instead of a file", options={"SKIP_SAVE"})
    head: StringProperty(
        name="Head", description="Object to animate; empty: what the panel says", options={"SKIP_SAVE"}
    )
    frame_start: IntProperty(
        name="Start Frame", description="Frame on which the sound file starts", default=1, options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if jobs.board.job is not None:
            cls.poll_message_set("A line is being animated already")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> "Outcome":
        """Animates at once, without a window."""
        try:
            line, head, settings = self._chosen(context)
            fit = properties.take_of(context.scene).fit_scene
            return self._succeed(bake.animate_scene(context.scene, head, line, settings, fit))
        except FacewrightError as error:
            return self._refuse(str(error))

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> "Outcome":
        """Listens in a thread, then writes; what cannot work is refused before the thread starts."""
        if bpy.app.background:
            return self.execute(context)
        try:
            line, head, settings = self._chosen(context)
            rig.examine(context.scene, head)
        except FacewrightError as error:
            return self._refuse(str(error))
        self._scene_name, self._head_name = context.scene.name, head.name_full if head else ""
        self._job = jobs.Job(lambda progress: bake.perform(line, settings, progress))
        jobs.board.show()
        jobs.board.job = self._job
        self._timer = context.window_manager.event_timer_add(TICK_S, window=context.window)
        context.window_manager.modal_handler_add(self)
        _redraw_sidebars(context)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> "Outcome":
        if event.type == "ESC":
            self._job.cancel()
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        if not self._job.is_done:
            _redraw_sidebars(context)
            return {"PASS_THROUGH"}
        context.window_manager.event_timer_remove(self._timer)
        outcome = self._finish()
        _redraw_sidebars(context)
        return outcome

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender is about to load another file or to quit."""
        context.window_manager.event_timer_remove(self._timer)
        self._job.cancel()
        jobs.board.show()

    def _finish(self) -> "Outcome":
        if self._job.was_cancelled:
            jobs.board.show(notes=("cancelled; nothing was written",))
            return {"CANCELLED"}
        if self._job.failure is not None:
            return self._refuse(self._job.failure)
        scene: bpy.types.Scene | None = bpy.data.scenes.get(self._scene_name)
        if scene is None:
            return self._refuse(f"scene {quoted(self._scene_name)} is gone; nothing was written")
        try:
            head = next((obj for obj in scene.objects if obj.name_full == self._head_name), None)
            fit = properties.take_of(scene).fit_scene
            return self._succeed(bake.write(scene, head, self._job.result, fit))
        except FacewrightError as error:
            return self._refuse(str(error))

    def _chosen(self, context: bpy.types.Context) -> tuple[sound.Line, bpy.types.Object | None, Settings]:
        """The line, the head and the settings: the operator's own where they are given, else the panel's."""
        scene = context.scene
        if self.strip:
            line = sound.from_strip(scene, self.strip)
        elif self.sound:
            line = sound.from_file(self.sound, self.frame_start)
        else:
            line = properties.line_of(scene)
        head = properties.head_of(context)
        if self.head:
            head = scene.objects.get(self.head)
            if head is None:
                raise RigError(f"the scene has no object {quoted(self.head)}; choose one that is there")
        return line, head, properties.settings_of(scene, preferences.model_settings(context))

    def _succeed(self, report: bake.Report) -> "Outcome":
        jobs.board.show(str(report), report.notes)
        for note in report.notes:
            self.report({"WARNING"}, note)
        self.report({"INFO"}, str(report))
        return {"FINISHED"}

    def _refuse(self, reason: str) -> "Outcome":
        """Ends without a trace; in the background, where nobody sees a panel, a Python error carries the reason."""
        jobs.board.show(error=reason)
        self.report({"ERROR"} if bpy.app.background else {"WARNING"}, reason)
        return {"CANCELLED"}


class FACEWRIGHT_OT_cancel(bpy.types.Operator):
    """Stop listening; nothing is written"""

    bl_idname = "facewright.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return jobs.board.job is not None

    def execute(self, _context: bpy.types.Context) -> "Outcome":
        if jobs.board.job is not None:
            jobs.board.job.cancel()
        return {"FINISHED"}


def draw_menu(self: Any, _context: Any) -> None:
    """The entry in Object > Animation, which is where F3 finds it."""
    self.layout.separator()
    self.layout.operator(FACEWRIGHT_OT_animate.bl_idname, icon="SPEAKER")


def _redraw_sidebars(context: bpy.types.Context) -> None:
    """Only the regions that show progress: a whole 3D view may cost half a second."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()
