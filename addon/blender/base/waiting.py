"""What operators share whose slow part runs in a thread: the window stays usable, Esc stops, and then they finish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ...core.errors import FacewrightError, quoted
from . import jobs, sound
from .reporting import Reporting

if TYPE_CHECKING:
    from .reporting import Outcome

TICK_S = 0.1
_timers: list[bpy.types.Timer] = []  # the one by which the operator that waits looks after its work


class Waiting(Reporting):
    """A base beside bpy.types.Operator; `finish` is called with the work's result, in the main thread."""

    _is_last_told = False  # whether the window shows that the work is done

    def wait(self, context: bpy.types.Context, work: jobs.Work[Any]) -> Outcome:
        """Starts the work and goes on when it is done; without a window it is done at once."""
        self._scene_name, self._fps = context.scene.name, sound.fps(context.scene)
        self._job = jobs.Job(work)
        jobs.board.show()
        if bpy.app.background:
            self._job.join()
            return self._end(context)
        jobs.board.job = self._job
        _timers.append(context.window_manager.event_timer_add(TICK_S, window=context.window))
        context.window_manager.modal_handler_add(self)  # type: ignore[arg-type]  # it is an operator too
        self._tell(context)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> Outcome:
        if event.type == "ESC" and event.value == "PRESS":  # the release may be of one that closed a menu
            self._job.cancel()
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        if not self._is_last_told:  # a window that stands still, as it will, shows what it was last drawn with
            self._is_last_told = self._job.is_done
            self._tell(context)
            return {"PASS_THROUGH"}
        _let_go(context)
        outcome = self._end(context)
        redraw_sidebars(context)
        return outcome

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender is about to load another file or to quit."""
        self._job.cancel()
        stop(context)

    def finish(self, context: bpy.types.Context, result: Any) -> Outcome:
        """What follows the work."""
        raise NotImplementedError

    def scene_waited_for(self) -> bpy.types.Scene:
        """The scene that the work was for; a FacewrightError if it is gone, or counts its frames otherwise by now."""
        scene: bpy.types.Scene | None = bpy.data.scenes.get(self._scene_name)
        if scene is None:
            raise FacewrightError(f"scene {quoted(self._scene_name)} is gone; nothing was written")
        if (fps := sound.fps(scene)) != self._fps:
            rates = f"{self._fps:g} to {fps:g} frames a second"
            raise FacewrightError(f"the scene went from {rates} meanwhile; nothing was written, so start again")
        return scene

    def _tell(self, context: bpy.types.Context) -> None:
        """How far it is, on the panel and, for whoever has the sidebar shut, in the status bar."""
        stop = "" if self._job.is_done else ". Esc: stop, and nothing is written"
        context.workspace.status_text_set(self._job.told + stop)
        redraw_sidebars(context)

    def _end(self, context: bpy.types.Context) -> Outcome:
        if self._job.was_cancelled:
            jobs.board.show(notes=("cancelled; nothing was written",))
            return {"CANCELLED"}
        if self._job.failure is not None:
            return self.refuse(self._job.failure)
        return self.finish(context, self._job.result)


def stop(context: bpy.types.Context) -> None:
    """Ends the work that is waited for, if any is, without its operator: Blender drops those whose class goes."""
    if jobs.board.job is not None:
        jobs.board.job.cancel()
    if _timers:
        _let_go(context)
    jobs.board.show()


def _let_go(context: bpy.types.Context) -> None:
    """Takes the timer back and gives Blender every status bar: the workspace may have been changed meanwhile."""
    while _timers:
        context.window_manager.event_timer_remove(_timers.pop())
    for workspace in bpy.data.workspaces:
        with context.temp_override(workspace=workspace):
            workspace.status_text_set(None)


def redraw_sidebars(context: bpy.types.Context) -> None:
    """Only the regions that show progress: a whole 3D view may cost half a second."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()
