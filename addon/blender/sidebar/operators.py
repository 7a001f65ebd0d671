"""Animate and Cancel: they read the context, call the bake, and report."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import IntProperty, StringProperty

from ...core.errors import FacewrightError, RigError, quoted
from ..base import jobs, preferences, sound
from ..base.reporting import is_free
from ..base.waiting import Waiting
from ..direction import directing, preview, properties
from ..takes import bake

if TYPE_CHECKING:
    from ..base.reporting import Outcome


class FACEWRIGHT_OT_animate(Waiting, bpy.types.Operator):
    """Let the head speak the chosen line: a new Action on each of its meshes, and the sound in the sequencer"""

    bl_idname = "facewright.animate"
    bl_label = "Animate Face from Speech (Facewright)"  # whoever searches does so by either
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
        return is_free(cls)

    def execute(self, context: bpy.types.Context) -> "Outcome":
        """Animates at once, without a window."""
        preview.leave()
        try:
            line, head, directed = self._chosen(context)
            fit = properties.choices_of(context.scene).fit_scene
            report = bake.write(context.scene, head, directing.perform(line, directed), fit)
        except FacewrightError as error:
            return self.refuse(str(error))
        return self.succeed(str(report), report.notes)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> "Outcome":
        """Listens in a thread, then writes; what cannot work is refused before the thread starts."""
        preview.leave()
        try:
            line, head, directed = self._chosen(context)
        except FacewrightError as error:
            return self.refuse(str(error))
        self._head_name = head.name_full if head else ""
        return self.wait(context, lambda progress: directing.perform(line, directed, progress))

    def finish(self, _context: bpy.types.Context, result: bake.Performance) -> "Outcome":
        """Writes what was heard."""
        try:
            scene = self.scene_waited_for()
            head = next((obj for obj in scene.objects if obj.name_full == self._head_name), None)
            report = bake.write(scene, head, result, properties.choices_of(scene).fit_scene)
        except FacewrightError as error:
            return self.refuse(str(error))
        return self.succeed(str(report), report.notes)

    def _chosen(self, context: bpy.types.Context) -> tuple[sound.Line, bpy.types.Object | None, directing.Directed]:
        """The line, the head and what is asked of them: the operator's own where they are given, else the panel's."""
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
        return line, head, directing.directed(scene, head, line, preferences.model_settings(context))


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
