"""What an animator chooses, kept in the scene."""

# No `from __future__ import annotations`: Blender reads properties out of evaluated annotations.
from dataclasses import fields, replace

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ..core.settings import MAX_SEED, ModelSettings, Settings
from . import compat, sound

PROPERTY = "facewright"  # where the choices are kept: scene.facewright


def _strip_names(_self: bpy.types.PropertyGroup, context: bpy.types.Context, _text: str) -> list[str]:
    return [strip.name for strip in compat.sound_strips(context.scene)]


def _amount(section: str, option: str, name: str, description: str) -> FloatProperty:
    """A slider for one of the core's settings, with its default and its range."""
    settings = getattr(Settings(), section)
    limits = next(item.metadata for item in fields(settings) if item.name == option)
    return FloatProperty(
        name=name,
        description=description,
        default=getattr(settings, option),
        min=limits["low"],
        max=limits["high"],
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
    jaw: _amount("articulation", "jaw", "Jaw", "How far the jaw moves: below 1 mumbles, above 1 enunciates")
    lips: _amount("articulation", "lips", "Lips", "How much the lips shape: below 1 mumbles, above 1 enunciates")
    brows: _amount("brows", "amount", "Brows", "How much the brows rise on stressed words")
    blinks: _amount("blink", "amount", "Blinks", "How far the lids close when blinking; 0 never blinks")
    gaze: _amount("gaze", "amount", "Gaze", "How much the eyes wander; 0 looks straight ahead")
    seed: IntProperty(
        name="Seed",
        description="Another number gives another take: other blinks and looks for the same words",
        min=0,
        max=MAX_SEED,
        options=set(),
    )


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
    """The head that is chosen, else the active object; a head that was deleted lives on in the choice alone."""
    scene = context.scene
    chosen = take_of(scene).head
    return chosen if chosen and scene in chosen.users_scene else context.view_layer.objects.active


def settings_of(scene: bpy.types.Scene, model: ModelSettings) -> Settings:
    """The core's settings, with the amounts of the scene and the model of the preferences."""
    take, core = take_of(scene), Settings()
    return Settings(
        seed=take.seed,
        model=model,
        articulation=replace(core.articulation, jaw=take.jaw, lips=take.lips),
        brows=replace(core.brows, amount=take.brows),
        blink=replace(core.blink, amount=take.blinks),
        gaze=replace(core.gaze, amount=take.gaze),
        head=replace(core.head, amount=0.0),  # shape keys cannot turn a head, and eyes must not answer a turn unseen
    )
