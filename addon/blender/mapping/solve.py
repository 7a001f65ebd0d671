"""Guess from Shapes: what keys of unknown names are for, proposed with confidences for the animator to accept."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, CollectionProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ...core.errors import FacewrightError, RigError, quoted
from ...core.rigs.custom import CustomMap
from ...core.rigs.solve import SURE, Guess, Guesses, guess, rows_of
from ..base.reporting import refuse
from ..direction import properties
from ..head import mapping_rows
from ..head.character import Character, character_of, keys_of
from .solve_reading import shapes_of

if TYPE_CHECKING:
    from ..base.reporting import Outcome

PROPERTY = "facewright_guesses"  # where they are kept until accepted: scene.facewright_guesses


def _show_key(self: Any, _context: bpy.types.Context) -> None:
    """Makes the chosen guess's key the active one of its meshes, where its slider is at hand."""
    if self.root is None or not 0 <= self.active < len(self.rows):
        return
    name = self.rows[self.active].key
    try:
        meshes = character_of(self.id_data, self.root).meshes
    except RigError:
        return
    for mesh in meshes:
        index = keys_of(mesh).key_blocks.find(name)
        if index >= 0 and mesh.is_editable:
            mesh.active_shape_key_index = index


class FACEWRIGHT_PG_guess(bpy.types.PropertyGroup):
    """What one key seems to be for."""

    key: StringProperty(name="Key", description="The head's shape key", options=set())
    title: StringProperty(name="Channel", description="What it seems to show", options=set())
    weights: StringProperty(description="Channel to weight, as JSON", options=set())
    confidence: FloatProperty(name="Confidence", description="How often such a guess is right", options=set())
    is_mix: BoolProperty(description="It is a pose of several channels, as visemes are", options=set())
    spare: StringProperty(name="Why Not", description="Why the key is better left alone", options=set())
    use: BoolProperty(name="Use", description="Put this guess into the mapping", options=set())


class FACEWRIGHT_PG_guesses(bpy.types.PropertyGroup):
    """The guesses that wait to be accepted."""

    rows: CollectionProperty(type=FACEWRIGHT_PG_guess)
    active: IntProperty(name="Guess", description="The guess that is looked at", options=set(), update=_show_key)
    root: PointerProperty(type=bpy.types.Object, description="The character that they are for")
    unknown: StringProperty(description="Keys that resemble nothing", options=set())


def guesses_of(scene: bpy.types.Scene) -> FACEWRIGHT_PG_guesses:
    """What waits to be accepted in this scene."""
    kept: FACEWRIGHT_PG_guesses = getattr(scene, PROPERTY)
    return kept


def propose(scene: bpy.types.Scene, character: Character) -> Guesses:
    """Guesses for every key of a character, put where the panel shows them."""
    if not character.meshes:
        raise RigError(f"{quoted(character.root.name)} has no shape keys; select a face that has them")
    found = guess(shapes_of(character))
    kept = guesses_of(scene)
    kept.rows.clear()
    kept.root, kept.active = character.root, 0
    kept.unknown = ", ".join(found.unknown)
    for row in sorted(found.rows, key=lambda row: -row.confidence):
        item = kept.rows.add()
        item.key, item.title, item.spare, item.is_mix = row.key, row.title, row.spare, row.is_mix
        item.weights, item.confidence = json.dumps(row.weights), row.confidence
        item.use = row.confidence >= SURE and not row.spare
    return found


def accept(scene: bpy.types.Scene) -> int:
    """Puts the ticked guesses into the character's mapping, over rows that its keys had; how many keys."""
    kept = guesses_of(scene)
    chosen = [_guess(item) for item in kept.rows if item.use]
    if not chosen:
        raise RigError("no guess is ticked; tick those that are right")
    if kept.root is None:
        raise RigError("the character of these guesses is gone; guess again")
    keeper = mapping_rows.holder(character_of(scene, kept.root))
    keys = {row.key for row in chosen}
    before = mapping_rows.read(keeper)
    rows = (*(row for row in before.rows if row.key not in keys), *rows_of(chosen))
    mapping_rows.write(keeper, replace(before, rows=rows) if before.rows else CustomMap(tuple(rows), only=before.only))
    discard(scene)
    return len(chosen)


def discard(scene: bpy.types.Scene) -> None:
    """Forgets the guesses."""
    kept = guesses_of(scene)
    kept.rows.clear()
    kept.root, kept.active, kept.unknown = None, 0, ""


def _guess(item: FACEWRIGHT_PG_guess) -> Guess:
    return Guess(item.key, item.title, json.loads(item.weights), item.confidence, item.is_mix, item.spare)


class FACEWRIGHT_OT_guess_mapping(bpy.types.Operator):
    """Find out what each shape key is for from what it does to the mesh, whatever its name. Nothing changes yet"""

    bl_idname = "facewright.guess_mapping"
    bl_label = "Guess Mapping from Shapes"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if properties.head_of(context) is None:
            cls.poll_message_set("Select the character's face")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> "Outcome":
        window = context.window
        if window:
            window.cursor_set("WAIT")
        try:
            found = propose(context.scene, character_of(context.scene, properties.head_of(context)))
        except FacewrightError as error:
            return refuse(self, str(error))
        finally:
            if window:
                window.cursor_set("DEFAULT")
        sure = sum(row.confidence >= SURE and not row.spare for row in found.rows)
        total = len(found.rows) + len(found.unknown)
        self.report({"INFO"}, f"{sure} of {total} keys recognised by their shapes; look through them and accept")
        return {"FINISHED"}


class FACEWRIGHT_OT_guesses_accept(bpy.types.Operator):
    """Put the ticked guesses into the mapping, in place of the rows that these keys had"""

    bl_idname = "facewright.guesses_accept"
    bl_label = "Accept Ticked"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _has_guesses(cls, context)

    def execute(self, context: bpy.types.Context) -> "Outcome":
        try:
            count = accept(context.scene)
        except FacewrightError as error:
            return refuse(self, str(error))
        self.report({"INFO"}, f"{count} {'key is' if count == 1 else 'keys are'} in the mapping now")
        return {"FINISHED"}


class FACEWRIGHT_OT_guesses_discard(bpy.types.Operator):
    """Forget the guesses; the mapping stays as it is"""

    bl_idname = "facewright.guesses_discard"
    bl_label = "Discard"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _has_guesses(cls, context)

    def execute(self, context: bpy.types.Context) -> "Outcome":
        discard(context.scene)
        return {"FINISHED"}


def _has_guesses(kind: Any, context: bpy.types.Context) -> bool:
    if not len(guesses_of(context.scene).rows):
        kind.poll_message_set("There are no guesses; use Guess Mapping from Shapes first")
        return False
    return True


CLASSES: Sequence[type] = (
    FACEWRIGHT_PG_guess,
    FACEWRIGHT_PG_guesses,
    FACEWRIGHT_OT_guess_mapping,
    FACEWRIGHT_OT_guesses_accept,
    FACEWRIGHT_OT_guesses_discard,
)


def attach() -> None:
    """Gives every scene the room for guesses; the classes are registered."""
    setattr(bpy.types.Scene, PROPERTY, PointerProperty(type=FACEWRIGHT_PG_guesses))


def detach() -> None:
    """Takes it back."""
    delattr(bpy.types.Scene, PROPERTY)
