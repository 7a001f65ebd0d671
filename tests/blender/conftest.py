"""A Blender in this process, emptied before every test; a head, lines, and a tiny real model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import bpy
import numpy as np
import onnx
import pytest
import soundfile
from onnx import TensorProto, helper, numpy_helper

from addon import blender
from addon.blender.base import compat
from addon.blender.fcurves import targets
from addon.core import channels
from addon.core.settings import ModelSettings, Settings

NAMES = ("jawOpen", "mouthClose", "mouthFunnel")
GAINS = (1.0, 0.25, 0.5)
Head = Callable[..., bpy.types.Object]
needs_audio = pytest.mark.skipif(not bpy.app.build_options.audaspace, reason="this Blender is built without audio")


@pytest.fixture(scope="session", autouse=True)
def extension() -> Iterator[None]:
    """Registered once, as Blender does it when it starts."""
    blender.register("addon")
    yield
    blender.unregister()


@pytest.fixture(autouse=True)
def scene(extension: None) -> bpy.types.Scene:
    """An empty scene of 24 fps; add-ons stay registered."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.context.scene.render.fps = 24
    return bpy.context.scene


@pytest.fixture
def make_head(scene: bpy.types.Scene) -> Head:
    """Makes a mesh with shape keys of these names, ARKit's 52 by default, each of which moves a corner by `height`."""

    def make(
        name: str = "Face",
        keys: Sequence[str] = channels.ARKIT,
        parent: bpy.types.Object | None = None,
        height: float = 0.1,
    ) -> bpy.types.Object:
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
        head = bpy.data.objects.new(name, mesh)
        scene.collection.objects.link(head)
        head.parent = parent
        if keys:
            head.shape_key_add(name="Basis")
        for key in keys:
            added = head.shape_key_add(name=key, from_mix=False)
            added.data[0].co.z += height
            added.value = 0.0  # Blender 5.2 adds them at 1
        bpy.context.view_layer.objects.active = head
        return head

    return make


def armature_with(bone: str) -> bpy.types.Object:
    """An armature of one bone, in object mode."""
    armature = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    armature.data.edit_bones.new(bone).tail = (0, 0, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


@pytest.fixture
def head(make_head: Head) -> bpy.types.Object:
    """A face with ARKit's 52 keys."""
    return make_head()


@pytest.fixture
def line(tmp_path: Path) -> Path:
    """Two seconds: half a second of silence, a second of tone, half a second of silence."""
    return write_line(tmp_path / "hello there.wav")


def write_line(path: Path, seconds: float = 2.0) -> Path:
    """A tone between silences in a 16-bit WAV of 16 kHz."""
    t = np.arange(round(16_000 * seconds)) / 16_000
    loud = (t >= seconds / 4) & (t < seconds * 3 / 4)
    soundfile.write(path, np.where(loud, 0.5 * np.sin(2 * np.pi * 220 * t), 0), 16_000, subtype="PCM_16")
    return path


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings that name a tiny model whose channels follow the loudness of each 20 ms."""
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    constants = {"hops": np.array([0, -1, 320]), "axis": np.array([2]), "gains": np.array(GAINS, np.float32)}
    nodes = [
        helper.make_node("Abs", ["waveform"], ["loud"]),
        helper.make_node("Reshape", ["loud", "hops"], ["rows"]),  # (B, N) -> (B, T, 320)
        helper.make_node("ReduceMean", ["rows", "axis"], ["level"], keepdims=1),
        helper.make_node("Mul", ["level", "gains"], ["channels"]),  # (B, T, 1) -> (B, T, C)
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("waveform", TensorProto.FLOAT, ["B", "N"])],
        [helper.make_tensor_value_info("channels", TensorProto.FLOAT, ["B", "T", len(NAMES)])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    card = {
        "schema": "1",
        "name": "tiny",
        "version": "1",
        "channels": json.dumps(NAMES),
        "sample_rate": "16000",
        "rate": "50",
    }
    card |= {
        "context_s": "0.02",
        "look_ahead_s": "0.02",
        "emotions": "[]",
        "styles": "[]",
        "licence": "CC0-1.0",
        "training_data": "none",
    }
    helper.set_model_props(model, card)
    onnx.save(model, path)
    return Settings(model=ModelSettings(path=str(path)))


def action_of(head: bpy.types.Object) -> bpy.types.Action:
    """The Action that moves the head's keys."""
    return head.data.shape_keys.animation_data.action


def curve_of(head: bpy.types.Object, name: str) -> bpy.types.FCurve:
    """The curve that moves a key."""
    curves = compat.curves_of(action_of(head), head.data.shape_keys)
    return {curve.data_path: curve for curve in curves}[targets.value_path(name)]


def keys_on(head: bpy.types.Object, name: str) -> np.ndarray:
    """A key's keyframes, (T, 2): frame and value."""
    points = curve_of(head, name).keyframe_points
    where = np.empty(2 * len(points), np.float32)
    points.foreach_get("co", where)
    return where.reshape(-1, 2)


def state() -> dict[str, object]:
    """All that a bake could change, for comparing before with after."""
    scene = bpy.context.scene
    owners = {block.name: block.animation_data for block in bpy.data.shape_keys}
    return {
        "actions": sorted((action.name, action.use_fake_user, action.users) for action in bpy.data.actions),
        "keys": {name: data.action.name if data and data.action else None for name, data in owners.items()},
        "sounds": len(bpy.data.sounds),
        "sequencer": scene.sequence_editor is not None,
        "strips": len(compat.sound_strips(scene)),
        "scene": (scene.frame_start, scene.frame_end, scene.sync_mode, scene.use_audio_scrub, scene.frame_current),
    }
