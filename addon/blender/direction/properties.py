"""What an animator chooses, kept in the scene."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
from dataclasses import fields

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, PointerProperty, StringProperty

from ...core.settings import MAX_SEED, ModelSettings, Settings
from ..base import compat, jobs, sound
from . import layer_properties
from .layer_properties import FACEWRIGHT_PG_layers

PROPERTY = "facewright"  # where the choices are kept: scene.facewright


def _strip_names(_self: bpy.types.PropertyGroup, context: bpy.types.Context, _text: str) -> list[str]:
    return [strip.name for strip in compat.sound_strips(context.scene)]


def _is_here(self: bpy.types.PropertyGroup, obj: bpy.types.Object) -> bool:
    return self.id_data in obj.users_scene


def _chosen(_self: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    """What was refused may be mended now, so the panel does not go on saying it."""
    if jobs.board.job is None and jobs.board.error:
        jobs.board.show()


class FACEWRIGHT_PG_choices(bpy.types.PropertyGroup):
    """The line, the head and the direction of the next bake."""

    source: EnumProperty(
        name="Line",
        description="Where the speech comes from",
        items=(
            ("FILE", "File", "A sound file: wav, flac, ogg, opus, mp3 or aiff", "FILE_SOUND", 0),
            (
                "STRIP",
                "Strip",
                "A sound strip of this scene's sequencer: the part that is heard, where it is heard",
                "SEQUENCE",
                1,
            ),
        ),
        update=_chosen,
        options=set(),
    )
    sound: StringProperty(
        name="Sound",
        description="The recorded line to speak",
        subtype="FILE_PATH",
        update=_chosen,
        options=compat.PATH_OPTIONS,
    )
    strip: StringProperty(
        name="Strip", description="The sound strip to speak", search=_strip_names, update=_chosen, options=set()
    )
    head: PointerProperty(
        name="Head",
        description="Any object of the character: its other meshes are found by armature, parent or collection. "
        "Empty: the active object",
        type=bpy.types.Object,
        poll=_is_here,
        update=_chosen,
    )
    frame_start: IntProperty(
        name="Start Frame", description="The frame on which the sound starts", default=1, options=set()
    )
    fit_scene: BoolProperty(
        name="Fit Scene",
        description="Make the scene long enough for the line, keep playback in step with the sound "
        "and let scrubbing be heard",
        default=True,
        options=set(),
    )
    layers: PointerProperty(
        name="Layers", description="What is added to the lips, layer by layer", type=FACEWRIGHT_PG_layers
    )
    use_markers: BoolProperty(
        name="Markers",
        description="Timeline markers such as 'joy 0.6', 'anger' or 'neutral' set the emotion from their frame on. "
        "'Anna: joy' is for the head named Anna alone",
        default=True,
        options=set(),
    )
    look_at: PointerProperty(
        name="Look At",
        description="An object that the eyes are on when they are not away. Empty: straight ahead",
        type=bpy.types.Object,
        poll=_is_here,
    )
    seed: IntProperty(
        name="Seed",
        description=next(item.metadata["about"] for item in fields(Settings) if item.name == "seed"),
        min=0,
        max=MAX_SEED,
        options=set(),
    )


def choices_of(scene: bpy.types.Scene) -> FACEWRIGHT_PG_choices:
    """The scene's choices."""
    chosen: FACEWRIGHT_PG_choices = getattr(scene, PROPERTY)
    return chosen


def line_of(scene: bpy.types.Scene) -> sound.Line:
    """The line that is chosen; an AudioError says what is wrong with it."""
    chosen = choices_of(scene)
    if chosen.source == "STRIP":
        return sound.from_strip(scene, chosen.strip)
    return sound.from_file(chosen.sound, chosen.frame_start)


def head_of(context: bpy.types.Context) -> bpy.types.Object | None:
    """The head that is chosen, else the active object; a head that was deleted lives on in the choice alone."""
    chosen = choices_of(context.scene).head
    return chosen if chosen and chosen.users_scene else context.view_layer.objects.active


def target_of(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The object to look at; one that was deleted lives on in the choice alone."""
    target: bpy.types.Object | None = choices_of(scene).look_at
    return target if target and scene in target.users_scene else None


def settings_of(scene: bpy.types.Scene, model: ModelSettings) -> Settings:
    """The core's settings, with the sliders of the scene and the model of the preferences."""
    chosen = choices_of(scene)
    return layer_properties.read(chosen.layers, chosen.seed, model)
