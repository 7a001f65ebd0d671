"""Solo: one channel alone on the head for as long as the mouse is moved, and then everything as it was."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
from contextlib import suppress
from typing import TYPE_CHECKING

import bpy
import numpy as np
from bpy.props import StringProperty

from ...core import channels
from ...core.curves import Curves
from ...core.errors import FacewrightError, RigError, quoted
from ...core.rigs.custom import ANGLES
from ..base.reporting import refuse
from ..base.waiting import redraw_sidebars
from ..direction import properties
from ..fcurves.preview_overlay import Overlay
from ..head import mapping_rows, rig
from .mapping import chosen

if TYPE_CHECKING:
    from ..base.reporting import Outcome

FRAME = 0  # of the one row that an overlay of ours has
TURN_RAD = 0.5  # of an angle at full: about 30 degrees
OPEN_JAW = 0.5  # mouthClose closes the lips over an open jaw, so it is shown over one
FULL_PIXELS = 250  # of mouse from rest to full, at 1x interface scale
STILL = 1e-5
ENDS = {"LEFTMOUSE", "RIGHTMOUSE", "RET", "NUMPAD_ENTER", "ESC", "SPACE"}
LOOKING = ("MIDDLEMOUSE", "WHEEL", "NDOF", "TRACKPAD", "NUMPAD_", "TIMER", "MOUSEPAN", "MOUSEZOOM", "MOUSEROTATE")


class Shown:
    """What the panel draws while a channel is shown alone."""

    channel = ""  # empty: none is
    amount = 0.0


def overlay(scene: bpy.types.Scene, head: bpy.types.Object | None, channel: str, amount: float) -> Overlay:
    """The head at rest but for one channel, ready to be laid over it; a RigError if that moves nothing."""
    if channel not in channels.ALL:
        raise RigError(f"{quoted(channel)} is no channel; choose one for the row")
    found = rig.examine(scene, head)
    rest, full = (found.strands(pose(channel, amount)) for amount in (0.0, 1.0))
    moved = any(abs(a.values[0] - b.values[0]) > STILL for a, b in zip(rest, full, strict=True))
    if not moved:
        raise RigError(f"{channel} moves nothing on this head; give it a row whose key is there and free")
    return Overlay(found.strands(pose(channel, amount)), FRAME)


def pose(channel: str, amount: float) -> Curves:
    """One row of curves: everything at rest but this channel; amount 1 is full, or a turn to one side."""
    values = {channel: amount * TURN_RAD if channel in ANGLES else amount}
    if channel == "mouthClose":
        values = {"jawOpen": OPEN_JAW, "mouthClose": OPEN_JAW * amount}
    row = [[values.get(name, 0.0) for name in channels.ALL]]
    return Curves(np.array(row, np.float32), channels.ALL, 1.0)


class FACEWRIGHT_OT_mapping_solo(bpy.types.Operator):
    """Show what a channel does on the head: move the mouse left and right, arrow keys take the next row, \
click to end. Nothing is keyed, and everything is put back"""

    bl_idname = "facewright.mapping_solo"
    bl_label = "Solo"
    bl_options = {"INTERNAL"}

    channel: StringProperty(
        name="Channel", description="The channel to show; empty: the chosen row's", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.screen is not None and context.screen.is_animation_playing:
            cls.poll_message_set("Stop the playback first")
            return False
        if Shown.channel:
            cls.poll_message_set("A channel is shown already; click to end it")
            return False
        return True

    def execute(self, _context: bpy.types.Context) -> "Outcome":
        """There is nothing to see without a window."""
        self.report({"WARNING"}, "solo needs a window to be seen in")
        return {"CANCELLED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "Outcome":
        """Shows the channel in full, and then follows the mouse."""
        if bpy.app.background:
            return self.execute(context)
        self._overlay: Overlay | None = None
        self._from, self._amount = event.mouse_x, 1.0
        try:
            self._show(context, self.channel or _row_channel(context))
        except FacewrightError as error:
            self._end(context)
            return refuse(self, str(error))
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> "Outcome":
        if event.type in ENDS and event.value == "PRESS":
            self._end(context)
            return {"FINISHED"}
        try:
            if event.type in ("MOUSEMOVE", "INBETWEEN_MOUSEMOVE"):
                self._amount = self._followed(context, event.mouse_x)
                self._show(context, Shown.channel)
            elif event.type in ("UP_ARROW", "DOWN_ARROW") and event.value == "PRESS":
                self._step(context, 1 if event.type == "DOWN_ARROW" else -1)
            elif event.type.startswith(LOOKING):
                return {"PASS_THROUGH"}
        except FacewrightError as error:
            self._end(context)
            return refuse(self, str(error))
        return {"RUNNING_MODAL"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender is about to load another file or to quit."""
        self._end(context)

    def _followed(self, context: bpy.types.Context, mouse_x: int) -> float:
        """The amount that the mouse asks for: full where it was clicked, less to the left."""
        least = -1.0 if Shown.channel in ANGLES else 0.0
        wide = FULL_PIXELS * context.preferences.system.ui_scale
        self._from = min(max(self._from, mouse_x), int(mouse_x + (1 - least) * wide))  # at an end it turns at once
        return 1 - (self._from - mouse_x) / wide

    def _step(self, context: bpy.types.Context, by: int) -> None:
        """The next row below or above whose channel is another and moves something."""
        custom = mapping_rows.of(mapping_rows.holder(chosen(context)))
        for place in range(custom.active + by, len(custom.rows) if by > 0 else -1, by):
            channel = custom.rows[place].channel
            if channel == Shown.channel:
                continue
            with suppress(RigError):  # its key is gone, or moved by something else
                self._show(context, channel)
                custom.active = place
                return

    def _show(self, context: bpy.types.Context, channel: str) -> None:
        amount = max(self._amount, 0.0) if channel not in ANGLES else self._amount
        laid = overlay(context.scene, properties.head_of(context), channel, amount)
        self._lift()
        self._overlay = laid
        laid.lay(FRAME)
        Shown.channel, Shown.amount = channel, amount
        context.workspace.status_text_set(
            f"{channel} {amount:.2f}: move the mouse left and right, up and down arrow for other rows, click to end"
        )
        redraw_sidebars(context)

    def _lift(self) -> None:
        if self._overlay:
            self._overlay.lift()
        self._overlay = None

    def _end(self, context: bpy.types.Context) -> None:
        self._lift()
        Shown.channel, Shown.amount = "", 0.0
        context.workspace.status_text_set(None)
        redraw_sidebars(context)


def _row_channel(context: bpy.types.Context) -> str:
    custom = mapping_rows.of(mapping_rows.holder(chosen(context)))
    if not len(custom.rows):
        raise RigError("the table has no row to show; fill it in or add one")
    return str(custom.rows[custom.active].channel)


CLASSES = (FACEWRIGHT_OT_mapping_solo,)
