"""What a preview depends on and an animator may change meanwhile, cheap to ask for and to be compared with before."""

from __future__ import annotations

import bpy

from ...core.errors import RigError, SettingsError
from ...core.settings import ModelSettings
from ..base import sound
from ..head import look_at, mapping_rows, rig_properties
from . import directing, properties


def subject(scene: bpy.types.Scene) -> object:
    """Which line, where, and which head are chosen: another ends the preview."""
    chosen = properties.choices_of(scene)
    return chosen.source, chosen.sound, chosen.strip, chosen.frame_start, chosen.head and chosen.head.name_full


def performance(scene: bpy.types.Scene, model: ModelSettings) -> tuple[object, ...]:
    """Everything else that a performance comes from, but for the head."""
    return (
        _sliders(scene, model),
        sound.fps(scene),
        properties.choices_of(scene).use_markers
        and tuple((marker.name, marker.frame) for marker in scene.timeline_markers),
        directing.keys_of_emotion(scene),
        target(scene),
    )


def head(root: bpy.types.Object | None, mapped: bpy.types.Object | None) -> object:
    """What was chosen in Rig and Mapping; of a mapping that cannot be, what is wrong with it."""
    try:
        return root and rig_properties.choices_of(root), mapped and mapping_rows.read(mapped)
    except RigError as error:
        return str(error)


def target(scene: bpy.types.Scene) -> object:
    """Which object is looked at, and where it is unless it is animated."""
    looked_at = properties.target_of(scene)
    if looked_at is None:
        return None
    return looked_at.name_full, None if look_at.moves(looked_at) else looked_at.matrix_world.copy()


def _sliders(scene: bpy.types.Scene, model: ModelSettings) -> object:
    """How the sliders stand; of an emotion track that cannot be, what is wrong with it."""
    try:
        return properties.settings_of(scene, model)
    except SettingsError as error:
        return str(error)
