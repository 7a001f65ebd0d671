"""What an animator chooses, kept in the scene."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
from dataclasses import fields, replace

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ..core.settings import ArticulationSettings, ModelSettings, Settings
from . import compat, sound

PROPERTY = "facewright"  # where the choices are kept: scene.facewright
EFFORT = {item.name: item for item in fields(ArticulationSettings)}


def _strip_names(_self: bpy.types.PropertyGroup, context: bpy.types.Context, _text: str) -> list[str]:
    return [strip.name for strip in compat.sound_strips(context.scene)]


def _effort(channel: str, description: str) -> FloatProperty:
    item = EFFORT[channel]
    low, high = item.metadata["low"], item.metadata["high"]
    return FloatProperty(
        name=channel.title(),
        description=description,
        default=getattr(ArticulationSettings(), channel),
        min=low,
        max=high,
        subtype="FACTOR",
        options=set(),
    )


class FACEWRIGHT_PG_take(bpy.types.PropertyGroup):
    """The line, the head and the amounts of the next bake."""

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
        options=set(),
    )
    sound: StringProperty(
        name="Sound",
        description="The recorded line to speak",
        subtype="FILE_PATH",
        options=compat.PATH_OPTIONS,
    )
    strip: StringProperty(name="Strip", description="The sound strip to speak", search=_strip_names, options=set())
    head: PointerProperty(
        name="Head",
        description="Any object of the character: its other meshes are found by armature, parent or collection. "
        "Empty: the active object",
        type=bpy.types.Object,
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
    jaw: _effort("jaw", "How far the jaw moves: below 1 mumbles, above 1 enunciates")
    lips: _effort("lips", "How much the lips shape: below 1 mumbles, above 1 enunciates")


def take_of(scene: bpy.types.Scene) -> FACEWRIGHT_PG_take:
    """The scene's choices."""
    take: FACEWRIGHT_PG_take = getattr(scene, PROPERTY)
    return take


def line_of(scene: bpy.types.Scene) -> sound.Line:
    """The line that is chosen; an AudioError says what is wrong with it."""
    take = take_of(scene)
    if take.source == "STRIP":
        return sound.from_strip(scene, take.strip)
    return sound.from_file(take.sound, take.frame_start)


def head_of(context: bpy.types.Context) -> bpy.types.Object | None:
    """The head that is chosen, else the active object."""
    return take_of(context.scene).head or context.view_layer.objects.active


def settings_of(scene: bpy.types.Scene, model: ModelSettings) -> Settings:
    """The core's settings, with the amounts of the scene and the model of the preferences."""
    take = take_of(scene)
    effort = replace(Settings().articulation, jaw=take.jaw, lips=take.lips)
    return Settings(model=model, articulation=effort)
