"""The table's buttons: fill in, add, remove, clear, mirror, copy to another character."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import StringProperty

from ...core import channels, rigs
from ...core.errors import FacewrightError, RigError, quoted
from ...core.rigs import CustomMap
from ...core.rigs.custom_edit import filled, mirrored
from ..base.reporting import refuse
from ..direction import properties
from ..head import mapping_rows
from ..head.character import Character, character_of, key_names, keys_of
from ..head.protection import listed

if TYPE_CHECKING:
    from ..base.reporting import Outcome

NEAR = 0.6  # how alike a key's name and a channel's are for the one to suggest the other


def chosen(context: bpy.types.Context) -> Character:
    """The character that the panel speaks of; a RigError if there is none."""
    return character_of(context.scene, properties.head_of(context))


def fill(scene: bpy.types.Scene, character: Character) -> str:
    """Rows for all that is recognised by name and has none; what was done, in a line."""
    keeper = mapping_rows.holder(character)
    names = mapping_rows.names_on(scene, character)
    detection = rigs.detect(names)
    before = mapping_rows.read(keeper)
    custom = filled(before, detection)
    count = len(custom.rows) - len(before.rows)
    if not count:
        raise RigError(_nothing_to_fill(detection))
    mapping_rows.write(keeper, custom)
    return f"{count} {'row' if count == 1 else 'rows'} filled in: {detection.rig.title}"


def _nothing_to_fill(detection: rigs.Detection) -> str:
    if detection.rig is None:
        return "none of the keys has a name that is known; add a row for each that shall move"
    if detection.rig.visemes:
        return "this head speaks through visemes, which move together and have no rows; add rows beside them"
    return "every key that was recognised has a row already"


def add(character: Character, active: bpy.types.Object | None) -> None:
    """A row below the chosen one, for the mesh's active shape key and the channel that is named like it."""
    keeper = mapping_rows.holder(character)
    custom = _editable(keeper)
    taken = {row.key for row in custom.rows}
    key = _active_key(character, active)
    row = custom.rows.add()
    if key not in taken:
        row.key, row.channel = key, nearest_channel(key)
    place = min(custom.active + 1, len(custom.rows) - 1)
    custom.rows.move(len(custom.rows) - 1, place)
    custom.active = place
    keeper.update_tag(refresh={"OBJECT"})


def nearest_channel(key: str) -> str:
    """The channel that a key is named like; empty if none is near."""
    if not key:
        return ""
    if found := rigs.detect([key]).keys:
        return next(iter(found))
    spelt = {name.lower(): name for name in channels.ALL}
    near = difflib.get_close_matches(key.lower(), spelt, 1, NEAR)
    return spelt[near[0]] if near else ""


def _active_key(character: Character, active: bpy.types.Object | None) -> str:
    """The shape key that is chosen in the active mesh's list, if it is the character's and deforms."""
    keys = keys_of(active) if active in character.meshes else None
    name = active.active_shape_key.name if keys and active.active_shape_key else ""
    return name if keys and name in key_names(keys) else ""


def mirror(scene: bpy.types.Scene, character: Character) -> tuple[str, ...]:
    """The right side's rows as the left side's; left keys whose right one the character does not have."""
    keeper = mapping_rows.holder(character)
    before = mapping_rows.read(keeper)
    custom, alone = mirrored(before, mapping_rows.names_on(scene, character))
    if custom.rows == before.rows:
        told = f"no other side of {listed(alone)}" if alone else "the right side does as the left does already"
        raise RigError(f"nothing to mirror: {told}")
    mapping_rows.write(keeper, custom)
    return alone


def absent(scene: bpy.types.Scene, character: Character, custom: CustomMap) -> tuple[str, ...]:
    """Keys of a mapping that the character does not have."""
    found = rigs.mapped(rigs.detect(mapping_rows.names_on(scene, character)), custom)
    return found.rig.absent if found.rig else ()


def _editable(keeper: bpy.types.Object) -> mapping_rows.FACEWRIGHT_PG_mapping:
    if not keeper.is_editable:
        raise RigError(f"{quoted(keeper.name)} is linked; make a library override of it to map its keys")
    return mapping_rows.of(keeper)


class OfMapping:
    """What the table's operators have in common: a head must be there, and what a user can mend is reported."""

    needs_rows = False
    if TYPE_CHECKING:
        report: Any  # bpy.types.Operator's, as the next
        poll_message_set: Any

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        try:
            keeper = mapping_rows.holder(chosen(context))
        except RigError as error:
            cls.poll_message_set(str(error))
            return False
        if cls.needs_rows and not len(mapping_rows.of(keeper).rows):
            cls.poll_message_set("The table has no rows yet")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> "Outcome":
        try:
            self.work(context)
        except FacewrightError as error:
            return refuse(self, str(error))
        return {"FINISHED"}

    def work(self, context: bpy.types.Context) -> None:
        """Does it, or raises a FacewrightError before anything has changed."""
        raise NotImplementedError

    def warn_of(self, names: Sequence[str], what: str) -> None:
        """Tells of keys that need another look."""
        if names:
            self.report({"WARNING"}, f"{what}: {listed(names)}")


class FACEWRIGHT_OT_mapping_fill(OfMapping, bpy.types.Operator):
    """Give every key that is recognised by its name a row, so that you can change it; rows that are there stay"""

    bl_idname = "facewright.mapping_fill"
    bl_label = "Fill In Recognised Keys"
    bl_options = {"UNDO"}

    def work(self, context: bpy.types.Context) -> None:
        self.report({"INFO"}, fill(context.scene, chosen(context)))


class FACEWRIGHT_OT_mapping_add(OfMapping, bpy.types.Operator):
    """Add a row, for the shape key that is chosen in the mesh's list"""

    bl_idname = "facewright.mapping_add"
    bl_label = "Add Row"
    bl_options = {"UNDO"}

    def work(self, context: bpy.types.Context) -> None:
        add(chosen(context), context.view_layer.objects.active)


class FACEWRIGHT_OT_mapping_remove(OfMapping, bpy.types.Operator):
    """Remove the chosen row; its channel and its key move as they were recognised again"""

    bl_idname = "facewright.mapping_remove"
    bl_label = "Remove Row"
    bl_options = {"UNDO"}
    needs_rows = True

    def work(self, context: bpy.types.Context) -> None:
        keeper = mapping_rows.holder(chosen(context))
        custom = _editable(keeper)
        custom.rows.remove(custom.active)
        custom.active = max(0, min(custom.active, len(custom.rows) - 1))
        keeper.update_tag(refresh={"OBJECT"})


class FACEWRIGHT_OT_mapping_clear(OfMapping, bpy.types.Operator):
    """Remove every row; all keys move as they were recognised again"""

    bl_idname = "facewright.mapping_clear"
    bl_label = "Clear Mapping"
    bl_options = {"UNDO"}
    needs_rows = True

    def work(self, context: bpy.types.Context) -> None:
        mapping_rows.write(mapping_rows.holder(chosen(context)), CustomMap(()))


class FACEWRIGHT_OT_mapping_mirror(OfMapping, bpy.types.Operator):
    """Let the right side do as the left side does: its rows are replaced by the mirror image, by the keys' names"""

    bl_idname = "facewright.mapping_mirror"
    bl_label = "Mirror Left to Right"
    bl_options = {"UNDO"}
    needs_rows = True

    def work(self, context: bpy.types.Context) -> None:
        self.warn_of(mirror(context.scene, chosen(context)), "No other side on this head")


class FACEWRIGHT_OT_mapping_copy(OfMapping, bpy.types.Operator):
    """Copy these rows to another character, in place of its own"""

    bl_idname = "facewright.mapping_copy"
    bl_label = "Copy to Character"
    bl_options = {"UNDO"}
    needs_rows = True

    target: StringProperty(name="To", description="Any object of the other character", options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> "Outcome":
        """Asks for the character; another one that is selected is the first guess."""
        if not self.target:
            own = chosen(context).objects
            self.target = next((obj.name for obj in context.selected_objects if obj not in own), "")
        return context.window_manager.invoke_props_dialog(self)

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.prop_search(self, "target", context.scene, "objects")

    def work(self, context: bpy.types.Context) -> None:
        scene, source = context.scene, mapping_rows.holder(chosen(context))
        obj: bpy.types.Object | None = scene.objects.get(self.target)
        if obj is None:
            raise RigError(f"the scene has no object {quoted(self.target)}; choose one of the other character")
        other = character_of(scene, obj)
        keeper = mapping_rows.holder(other)
        if keeper == source:
            raise RigError(f"{quoted(self.target)} is the same character; choose another")
        custom = mapping_rows.read(source)
        mapping_rows.write(keeper, custom)
        self.report({"INFO"}, f"{len(custom.rows)} rows copied to {keeper.name}")
        self.warn_of(absent(scene, other, custom), f"Not on {keeper.name}")


CLASSES = (
    FACEWRIGHT_OT_mapping_fill,
    FACEWRIGHT_OT_mapping_add,
    FACEWRIGHT_OT_mapping_remove,
    FACEWRIGHT_OT_mapping_clear,
    FACEWRIGHT_OT_mapping_mirror,
    FACEWRIGHT_OT_mapping_copy,
)
