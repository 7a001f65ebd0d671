"""What can be done to takes: show, compare, copy, delete, push to the NLA, and say whose keys are whose."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from bpy.props import EnumProperty, IntProperty, StringProperty

from ...core.errors import FacewrightError, quoted
from ...core.settings import MAX_SEED
from ..base import compat
from ..base.reporting import Reporting, is_free
from ..direction import preview, properties
from ..fcurves import keys
from ..takes import bake, memory, rebake, take_parts, take_shelf, takes
from ..takes.take_properties import FACEWRIGHT_PG_saved_take as Take

if TYPE_CHECKING:
    from ..base.reporting import Outcome


class Doing(Reporting):
    """A base beside bpy.types.Operator: `act` does it and says what was done; a FacewrightError is shown instead."""

    poll_message_set: Any  # bpy.types.Operator's

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not is_free(cls):
            return False
        if not len(takes.of(context.scene).takes):
            cls.poll_message_set("There is no take yet; animate a line first")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> "Outcome":
        preview.leave()  # what it shows is no pose of the animator's
        try:
            done, *notes = self.act(context)
        except FacewrightError as error:
            return self.refuse(str(error))
        return self.succeed(done, tuple(notes))

    def act(self, context: bpy.types.Context) -> tuple[str, ...]:
        """What was done, and what should be known of it."""
        raise NotImplementedError


class OfTake(Doing):
    """A base of what is done to one take: the one that `uid` names, else the one that is selected in the list."""

    uid: str

    def take(self, context: bpy.types.Context) -> Take:
        """The take that is meant."""
        if self.uid:
            return takes.find(context.scene, self.uid)
        return takes.chosen(context.scene, properties.head_of(context))


def uid_property() -> Any:
    """The property that names the take that is meant."""
    return StringProperty(name="Take", description="The take's id; empty: the selected one", options={"SKIP_SAVE"})


class FACEWRIGHT_OT_take_show(OfTake, bpy.types.Operator):
    """Show this take on its head. What you did to the take that was shown stays with that one"""

    bl_idname = "facewright.take_show"
    bl_label = "Show Take"
    bl_options = {"UNDO"}
    uid: uid_property()

    def act(self, context: bpy.types.Context) -> tuple[str, ...]:
        take = self.take(context)
        takes.check_there(take)
        if not take_parts.is_whole(take):  # its Action was deleted
            report = rebake.rebake(context.scene, take, None, *memory.asked(take))
            return (str(report), *report.notes)
        return _shown(context.scene, take)


class FACEWRIGHT_OT_take_compare(OfTake, bpy.types.Operator):
    """Show the take of this line that was shown before; again, and this one is back"""

    bl_idname = "facewright.take_compare"
    bl_label = "Compare Takes"
    bl_options = {"UNDO"}
    uid: uid_property()

    def act(self, context: bpy.types.Context) -> tuple[str, ...]:
        scene, take = context.scene, self.take(context)
        takes.check_there(take)
        family = [take, *takes.rivals(scene, take)]
        shown = next((other for other in family if takes.is_current(other)), None)
        others = [other for other in family if shown is None or other.uid != shown.uid]
        if not others:
            raise FacewrightError(f"{quoted(take.line)} has one take only; make another to compare it with")
        before = takes.of(scene).previous
        other = next((other for other in others if other.uid == before), others[-1])
        return _shown(scene, other)


def _shown(scene: bpy.types.Scene, take: Take) -> tuple[str, ...]:
    """Shows a take; what was done, and a line if it is out of step with the scene."""
    takes.switch(scene, take)
    told = rebake.other_rate(scene, take)
    return (f"{quoted(take.name)} is shown", *((told,) if told else ()))


class FACEWRIGHT_OT_take_duplicate(OfTake, bpy.types.Operator):
    """Make another take of the same line with another seed: other blinks, looks and nods for the same words"""

    bl_idname = "facewright.take_duplicate"
    bl_label = "Another Take"
    bl_options = {"UNDO"}
    uid: uid_property()
    seed: IntProperty(
        name="Seed",
        description="Of the new take; -1: the next that no take of this line has",
        default=-1,
        min=-1,
        max=MAX_SEED,
        options={"SKIP_SAVE"},
    )

    def act(self, context: bpy.types.Context) -> tuple[str, ...]:
        scene, take = context.scene, self.take(context)
        takes.check_there(take)
        settings, direction = memory.asked(take)
        used = {other.seed for other in (take, *takes.rivals(scene, take))}
        seed = self.seed if self.seed >= 0 else next(seed for seed in range(len(used) + 1) if seed not in used)
        settings = replace(settings, seed=seed)
        line, _ = takes.line_of(take)
        performance = bake.Performance(
            replace(line, filepath=""), rebake.performed(scene, take, settings, direction), (),
            memory.heard(takes.of(scene), take), settings, direction, take.model, take.heard_from_s, take.stretch,
        )  # fmt: skip
        report = bake.write(scene, rebake.head_of(take), performance, fit=False)
        return (f"{quoted(report.take)} is shown, with seed {seed}", *report.notes)


class FACEWRIGHT_OT_take_delete(OfTake, bpy.types.Operator):
    """Delete this take and its keys. Keys and Actions of your own stay"""

    bl_idname = "facewright.take_delete"
    bl_label = "Delete Take"
    bl_options = {"UNDO"}
    uid: uid_property()

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "Outcome":
        """Asks first if something of the animator's would be lost."""
        try:
            take = self.take(context)
        except FacewrightError:
            return self.execute(context)
        if take.is_kept or take_shelf.hand_keys(take):
            return context.window_manager.invoke_confirm(self, event)
        return self.execute(context)

    def act(self, context: bpy.types.Context) -> tuple[str, ...]:
        take = self.take(context)
        name, count = take.name, take_shelf.hand_keys(take)
        take_shelf.remove(context.scene, take)
        lost = f", and {count} keys that you changed in it" if count else ""
        return (f"{name} is deleted{lost}",)


class FACEWRIGHT_OT_take_tidy(OfTake, bpy.types.Operator):
    """Delete the other takes of this line, but none that is kept, shown, or changed by you"""

    bl_idname = "facewright.take_tidy"
    bl_label = "Tidy Up"
    bl_options = {"UNDO"}
    uid: uid_property()

    def act(self, context: bpy.types.Context) -> tuple[str, ...]:
        scene, take = context.scene, self.take(context)
        uid = take.uid
        gone = []
        for other in [other.uid for other in takes.rivals(scene, take)]:
            rival = takes.find(scene, other)
            if not (rival.is_kept or takes.is_current(rival) or take_shelf.hand_keys(rival)):
                gone.append(rival.name)
                take_shelf.remove(scene, rival)
        takes.select(scene, uid)
        return (f"Tidied away: {', '.join(gone)}" if gone else "There is nothing to tidy away",)


class FACEWRIGHT_OT_take_push_nla(OfTake, bpy.types.Operator):
    """Put what the head shows into NLA strips, one for each of its Actions, and leave the head free for another bake"""

    bl_idname = "facewright.take_push_nla"
    bl_label = "Push to NLA"
    bl_options = {"UNDO"}
    uid: uid_property()

    def act(self, context: bpy.types.Context) -> tuple[str, ...]:
        take = self.take(context)
        count = take_shelf.push_to_nla(context.scene, take)
        return (f"{quoted(take.name)} is in {count} NLA {'strip' if count == 1 else 'strips'}",)


class FACEWRIGHT_OT_select_keys(OfTake, bpy.types.Operator):
    """Select the keys of the head's takes that were generated, or those that you made, moved or took over"""

    bl_idname = "facewright.select_keys"
    bl_label = "Select Keys"
    bl_options = {"UNDO"}
    uid: uid_property()
    whose: EnumProperty(
        name="Whose",
        description="Which keys",
        items=(
            ("GENERATED", "Generated Keys", "Those that stand as Facewright wrote them"),
            ("MINE", "My Keys", "Those that you made, moved, reshaped or took over"),
        ),
    )

    def act(self, context: bpy.types.Context) -> tuple[str, ...]:
        take = self.take(context)
        count = 0
        for _action, curves, noted in _noted(take):
            for curve in curves:
                table = keys.read(curve)
                mine = keys.theirs(table, noted.get((curve.data_path, curve.array_index)))
                wanted = mine if self.whose == "MINE" else ~mine
                for part in ("control_point", "left_handle", "right_handle"):
                    curve.keyframe_points.foreach_set(f"select_{part}", wanted)
                curve.select = bool(wanted.any())
                count += int(wanted.sum())
        whose = "of yours" if self.whose == "MINE" else "that were generated"
        return (f"{count} keys {whose} are selected",)


class FACEWRIGHT_OT_own_keys(OfTake, bpy.types.Operator):
    """Take selected keys over, so that baking again leaves them alone, or give them back"""

    bl_idname = "facewright.own_keys"
    bl_label = "Take Over Keys"
    bl_options = {"UNDO"}
    uid: uid_property()
    action: EnumProperty(
        name="Action",
        description="What becomes of the selected keys",
        items=(
            ("LOCK", "Take Over", "They are yours: baking again leaves them alone"),
            ("RELEASE", "Give Back", "Baking again may replace them"),
        ),
    )

    def act(self, context: bpy.types.Context) -> tuple[str, ...]:
        take = self.take(context)
        count = 0
        for action, curves, noted in _noted(take):
            for curve in curves:
                place, table = (curve.data_path, curve.array_index), keys.read(curve)
                chosen = table["select_control_point"]
                if place not in noted or not chosen.any():
                    continue
                count += int(chosen.sum())
                generated = (~keys.theirs(table, noted[place]) & ~chosen) | (chosen & (self.action == "RELEASE"))
                table["type"][chosen] = keys.GENERATED if self.action == "RELEASE" else keys.KEYFRAME
                keys.write(curve, table)
                noted[place] = np.asarray(keys.noted(keys.read(curve))[generated])
            keys.note(action, noted)
        if not count:
            raise FacewrightError("no key of the take is selected; select some in the Graph Editor or Dope Sheet")
        return (f"{count} keys are {'yours now' if self.action == 'LOCK' else 'given back'}",)


def _noted(take: Take) -> Iterator[tuple[Any, Sequence[Any], dict[keys.Curve, keys.Table]]]:
    """Each Action that moves the take's head now, its curves there, and what of them was generated."""
    takes.check_there(take)
    for block, action in take_parts.actions_of(take):
        take_parts.follow_renames(block)
        yield action, compat.curves_of(action, block), keys.notes(action)


CLASSES = (
    FACEWRIGHT_OT_take_show,
    FACEWRIGHT_OT_take_compare,
    FACEWRIGHT_OT_take_duplicate,
    FACEWRIGHT_OT_take_delete,
    FACEWRIGHT_OT_take_tidy,
    FACEWRIGHT_OT_take_push_nla,
    FACEWRIGHT_OT_select_keys,
    FACEWRIGHT_OT_own_keys,
)
