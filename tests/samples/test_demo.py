"""The demo runs from a performance to a film, and the saved head is what its script builds."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from addon.blender.base import sound
from addon.blender.head import rig
from addon.blender.takes.bake import Performance
from addon.core import formats
from addon.core.channels import ALL, ARKIT
from addon.core.curves import Curves
from samples import demo
from samples.head import keys
from samples.head.skin import Skin

RATE = 50.0


def babbled(seconds: float) -> Performance:
    """A mouth that opens and closes, without a model."""
    t = np.arange(round(seconds * RATE)) / RATE
    jaw = (0.3 * np.sin(2 * np.pi * 1.5 * t) ** 2).astype(np.float32)
    empty = Curves(np.zeros((len(t), 0), np.float32), (), RATE)
    curves = empty.with_columns({"jawOpen": jaw, "mouthClose": np.where(jaw < 0.1, jaw, 0), "headPitch": 0.2 * jaw})
    return Performance(sound.from_file(str(demo.LINE), 1), curves.select(ALL), ())


@pytest.fixture
def head_file() -> bpy.types.Object:
    bpy.ops.wm.open_mainfile(filepath=str(demo.HEAD))
    return bpy.data.objects["Face"]


def test_saved_head_is_ready_to_be_animated(head_file: bpy.types.Object) -> None:
    assert bpy.context.view_layer.objects.active == head_file
    assert head_file.select_get()
    assert sound.fps(bpy.context.scene) == 24
    assert bpy.context.scene.camera is not None
    found = rig.examine(bpy.context.scene, head_file)
    assert not found.detection.missing
    assert {"Face", "Eyes", "Teeth", "Tongue", "Lashes", "Brows"} == {part.owner.shown for part in found.parts}
    assert found.joints["head"].owner.name == "Head"
    assert demo.HEAD.stat().st_size < 3_000_000


def test_saved_head_is_what_the_script_builds(head_file: bpy.types.Object, face: Skin) -> None:
    blocks = head_file.data.shape_keys.key_blocks
    assert tuple(blocks.keys()[1:]) == ARKIT
    moves = keys.make(face, ("jawOpen", "mouthSmileLeft"))
    for name, expected in (("Basis", face.points), ("mouthSmileLeft", face.points + moves["mouthSmileLeft"])):
        saved = np.empty(3 * len(face.points), np.float32)
        blocks[name].data.foreach_get("co", saved)
        np.testing.assert_allclose(saved.reshape(-1, 3) * 10, expected, atol=2e-4)


def test_demo_writes_everything_it_names(tmp_path: Path) -> None:
    demo.show(babbled(1.2), tmp_path, quick=True)
    assert {"demo.blend", "demo.csv", "demo_curves.png", "demo_strip.png"} <= {path.name for path in tmp_path.iterdir()}
    made = tmp_path / "demo.mp4" if bpy.app.build_options.codec_ffmpeg else tmp_path / "frames" / "frame_0001.png"
    assert made.stat().st_size > 1000
    assert "jawOpen" in formats.read(tmp_path / "demo.csv").names
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "demo.blend"))
    scene, face = bpy.context.scene, bpy.data.objects["Face"]
    opened = []
    for frame in (1, 5):
        scene.frame_set(frame)
        opened.append(face.data.shape_keys.key_blocks["jawOpen"].value)
    assert opened[1] > opened[0] + 0.1


def test_a_missing_model_or_line_is_one_clear_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for argument in (["--model", str(tmp_path / "gone.onnx")], ["--line", str(tmp_path / "gone.wav")]):
        assert demo.main(["--out", str(tmp_path / "out"), *argument]) == 2
        message = capsys.readouterr().err
        assert message.startswith("demo: ")
        assert "gone" in message
        assert message.count("\n") == 1
    assert not list((tmp_path / "out").iterdir())


def test_telling_rows_differ_and_are_in_order() -> None:
    rows = demo.telling_rows(babbled(2.0).curves, 5)
    assert rows == sorted(set(rows))
    assert len(rows) == 5
