"""What the tests of takes share: a head that speaks without a model, and a dump of all that Blender holds of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np

from addon.blender.base import compat, sound
from addon.blender.fcurves import keys
from addon.blender.takes import bake, takes
from addon.core import channels, pipeline
from addon.core.curves import Curves
from addon.core.heard import Heard
from addon.core.prosody import Prosody
from addon.core.settings import HeadSettings, Settings

QUIET = Settings(head=HeadSettings(amount=0.0))
SMALL = ("jawOpen", "mouthClose", "mouthFunnel", "browInnerUp", "eyeBlinkLeft", "eyeBlinkRight", "tongueOut")


def spoken(seconds: float = 2.0, loud: float = 0.5, seed: int = 0) -> Heard:
    """Something like speech: a jaw that opens and closes, lips that seal now and then, a voice in two phrases."""
    rows = round(50 * seconds)
    t = np.arange(rows) / 50
    rng = np.random.default_rng(seed)
    jaw = loud * np.clip(np.sin(2 * np.pi * 2.3 * t + rng.uniform(0, 6)) ** 2, 0, 1)
    sealed = (t % 0.7) < 0.08
    close = np.where(sealed, jaw, 0.1 * jaw)
    funnel = 0.3 * np.clip(np.sin(2 * np.pi * 1.1 * t), 0, 1)
    raw = np.stack([jaw, close, funnel], axis=1).astype(np.float32)
    talking = (t % 1.0) < 0.6
    loudness = np.where(talking, -20 + 5 * np.sin(9 * t), -80).astype(np.float32)
    pitch = np.where(talking, 140 + 30 * np.sin(5 * t), 0).astype(np.float32)
    return Heard(Curves(raw, ("jawOpen", "mouthClose", "mouthFunnel"), 50.0), Prosody(loudness, pitch))


def performance(name: str = "hello", frame: int = 1, seed: int = 0, seconds: float = 2.0) -> bake.Performance:
    """A line that was heard, performed with a seed; its sound file is not there."""
    heard = spoken(seconds)
    line = sound.Line(Path("/nowhere") / f"{name}.wav", name, frame)
    settings = Settings(seed=seed, head=QUIET.head)
    return bake.Performance(line, pipeline.perform(heard, settings), (), heard, settings)


def say(head: bpy.types.Object, name: str = "hello", frame: int = 1, seed: int = 0, seconds: float = 2.0) -> Any:
    """Bakes a line; its take."""
    bake.write(bpy.context.scene, head, performance(name, frame, seed, seconds))
    return takes.of(bpy.context.scene).takes[-1]


def dump() -> dict[str, Any]:
    """Every Action with every key, and every take, for comparing before with after."""
    found: dict[str, Any] = {}
    for action in bpy.data.actions:
        curves = {
            (c.data_path, c.array_index): (keys.read(c).tobytes(), c.extrapolation, c.group.name if c.group else "")
            for c in curves_in(action)
        }
        properties = {name: value if isinstance(value, bytes) else _plain(value) for name, value in action.items()}
        markers = [(marker.name, marker.frame) for marker in action.pose_markers]
        found[action.name] = (curves, properties, markers, action.use_fake_user, action.users)
    found["moves"] = {
        block.name: block.animation_data.action.name if block.animation_data and block.animation_data.action else ""
        for block in (*bpy.data.shape_keys, *bpy.data.objects)
    }
    for scene in bpy.data.scenes:
        held = takes.of(scene)
        found[f"takes of {scene.name}"] = [
            (take.uid, take.name, take.first, take.last, take.stretch, take.settings, take.timing, take.is_kept,
             [part.action.name if part.action else "" for part in take.parts])
            for take in held.takes
        ] + [held.previous, sorted(item.name for item in held.memory)]  # fmt: skip
    return found


def _plain(value: Any) -> str:
    return str(value.to_list() if hasattr(value, "to_list") else value)


def curves_in(action: bpy.types.Action) -> list[Any]:
    """Every curve of an Action, whatever it moves."""
    if not compat.HAS_SLOTS:
        return list(action.fcurves)
    return [c for layer in action.layers for strip in layer.strips for bag in strip.channelbags for c in bag.fcurves]


def table_of(head: bpy.types.Object, name: str) -> keys.Table:
    """The keys of a shape key."""
    return keys.read(curve_of(head, name))


def curve_of(head: bpy.types.Object, name: str) -> Any:
    """The curve of a shape key."""
    block = head.data.shape_keys
    action = block.animation_data.action
    return next(c for c in compat.curves_of(action, block) if c.data_path == f'key_blocks["{name}"].value')


def hand_key(head: bpy.types.Object, name: str, frame: float, value: float) -> None:
    """A key as an animator sets one with I."""
    block = head.data.shape_keys.key_blocks[name]
    block.value = value
    block.keyframe_insert("value", frame=frame)


def move_key(head: bpy.types.Object, name: str, frame: float, by: tuple[float, float]) -> None:
    """A key as an animator drags one in the Graph Editor."""
    curve = curve_of(head, name)
    point = min(curve.keyframe_points, key=lambda point: abs(point.co[0] - frame))
    point.co_ui = (point.co[0] + by[0], point.co[1] + by[1])
    curve.update()


assert set(SMALL) <= set(channels.ARKIT)
