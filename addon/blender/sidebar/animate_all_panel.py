"""The list of heads and strips: Find, Animate All, and what came of each; panels only draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ...core.errors import FacewrightError
from ..base import jobs, preferences
from ..base.reporting import is_free
from ..base.waiting import Waiting, redraw_sidebars
from ..direction import preview, properties
from .animate_all import find_pairs, make, pairs_of, tasks, write
from .panels import draw_text

if TYPE_CHECKING:
    from ..base.reporting import Outcome

WHAT_IT_IS = (
    "For a whole scene: put each line into the sequencer, named after its head, and press the magnifying glass. "
    "Or add heads one by one with +"
)


class FACEWRIGHT_OT_animate_all(Waiting, bpy.types.Operator):
    """Let every head of the list speak its strip, as one piece of work and one undo step"""

    bl_idname = "facewright.animate_all"
    bl_label = "Animate All"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not is_free(cls):
            return False
        if not any(pair.use for pair in pairs_of(context.scene).pairs):
            cls.poll_message_set("The list has no head with a strip; press Find, or +")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> Outcome:
        """Gathers what is asked of each pair, then listens in a thread."""
        preview.leave()
        todo, self._refused = tasks(context.scene, preferences.model_settings(context))
        return self.wait(context, lambda progress: make(todo, progress))

    def finish(self, context: bpy.types.Context, result: Any) -> Outcome:
        """Writes all that can be written, and notes what came of each."""
        try:
            scene = self.scene_waited_for()
        except FacewrightError as error:
            return self.refuse(str(error))
        written, left = write(scene, result, self._refused, properties.choices_of(scene).fit_scene)
        said = f"Animated {written} of {written + left} lines"
        jobs.board.show(said, (f"{left} could not be; the list says why",) if left else ())
        self.report({"WARNING"} if left else {"INFO"}, said)
        redraw_sidebars(context)
        return {"FINISHED"}


class FACEWRIGHT_OT_pairs_find(bpy.types.Operator):
    """Add a pair for each sound strip that is not muted and whose name holds a head's name; for every such strip, \
where there is one head"""

    bl_idname = "facewright.pairs_find"
    bl_label = "Find Pairs"
    bl_options = {"UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> Outcome:
        """Adds pairs; those that are listed stay."""
        added, left = find_pairs(context.scene)
        note = f"; no head's name is in {', '.join(left[:4])}" if left else ""
        self.report({"INFO"}, f"Found {added}{note}")
        return {"FINISHED"}


class FACEWRIGHT_OT_pair_add(bpy.types.Operator):
    """Add the active head to the list"""

    bl_idname = "facewright.pair_add"
    bl_label = "Add Pair"
    bl_options = {"UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> Outcome:
        """Adds a pair of the chosen head and the chosen strip."""
        every = pairs_of(context.scene)
        pair = every.pairs.add()
        pair.head = properties.head_of(context)
        pair.strip = properties.choices_of(context.scene).strip
        every.index = len(every.pairs) - 1
        return {"FINISHED"}


class FACEWRIGHT_OT_pair_remove(bpy.types.Operator):
    """Take this pair off the list; its keys stay"""

    bl_idname = "facewright.pair_remove"
    bl_label = "Remove Pair"
    bl_options = {"UNDO", "INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return bool(pairs_of(context.scene).pairs)

    def execute(self, context: bpy.types.Context) -> Outcome:
        """Removes the selected pair."""
        every = pairs_of(context.scene)
        every.pairs.remove(every.index)
        every.index = min(every.index, max(0, len(every.pairs) - 1))
        return {"FINISHED"}


class FACEWRIGHT_UL_pairs(bpy.types.UIList):
    """One row a pair: whether, who, which strip, and what came of it."""

    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _data: Any,
        item: Any,
        _icon: int | None,
        _active_data: Any,
        _active_property: str | None,
        _index: int | None = 0,
        _flag: int | None = 0,
    ) -> None:
        row = layout.row(align=True)
        row.prop(item, "use", text="")
        names = row.split(factor=0.45)
        names.active = item.use
        names.label(text=item.head.name if item.head else "No head", translate=False)
        names.label(text=item.strip or "No strip", translate=False)
        row.label(text="", icon=item.bl_rna.properties["state"].enum_items[item.state].icon)


class FACEWRIGHT_PT_all(bpy.types.Panel):
    """Several heads and strips at once, and a list to review."""

    bl_label = "Several Heads"
    bl_category = "Facewright"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 15

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        every = pairs_of(context.scene)
        row = layout.row()
        row.template_list(FACEWRIGHT_UL_pairs.__name__, "", every, "pairs", every, "index", rows=4)
        column = row.column(align=True)
        column.operator(FACEWRIGHT_OT_pair_add.bl_idname, text="", icon="ADD")
        column.operator(FACEWRIGHT_OT_pair_remove.bl_idname, text="", icon="REMOVE")
        column.separator()
        column.operator(FACEWRIGHT_OT_pairs_find.bl_idname, text="", icon="VIEWZOOM")
        if 0 <= every.index < len(every.pairs):
            pair = every.pairs[every.index]
            column = layout.column(align=True)
            column.prop(pair, "head", text="", icon="USER")
            column.prop(pair, "strip", text="", icon="SEQUENCE", placeholder="Sound strip")
            column.prop(pair, "preset", text="", icon="PRESET", placeholder="As the Layers panel")
            column.prop(pair, "seed")
            if pair.told:
                draw_text(layout, context, pair.told, "ERROR" if pair.state == "REFUSED" else "INFO")
        if not len(every.pairs):
            draw_text(layout, context, WHAT_IT_IS, "INFO")
        row = layout.row(align=True)
        row.scale_y = 1.3
        if jobs.board.job is None:
            row.operator(FACEWRIGHT_OT_animate_all.bl_idname, icon="PLAY")
        else:
            row.progress(factor=jobs.board.job.progress, text=jobs.board.job.told)
            row.operator("facewright.cancel", text="", icon="X")


CLASSES: tuple[type[Any], ...] = (
    FACEWRIGHT_OT_animate_all,
    FACEWRIGHT_OT_pairs_find,
    FACEWRIGHT_OT_pair_add,
    FACEWRIGHT_OT_pair_remove,
    FACEWRIGHT_UL_pairs,
    FACEWRIGHT_PT_all,
)
