"""A head's keys back to channels and into files."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from addon.blender.base import sound
from addon.blender.head import mapping_rows
from addon.blender.sidebar import export_operators
from addon.blender.takes import bake, export, take_import
from addon.core import channels, formats, rigs
from addon.core.curves import Curves, lip_gap
from addon.core.errors import RigError
from addon.core.rigs.custom import build

from .conftest import curve_of, state


def performed(rate: float = 24.0, rows: int = 48) -> Curves:
    """A face that moves everywhere, in ranges that keys can show, with a short closure of the lips."""
    values = np.random.default_rng(9).uniform(0, 0.4, (rows, 52)).astype(np.float32)
    curves = Curves(values, channels.ARKIT, rate)
    close = np.minimum(curves.column("mouthClose"), curves.column("jawOpen"))
    close[20] = curves.column("jawOpen")[20]
    return curves.with_columns({"mouthClose": close})


def baked(head: bpy.types.Object, curves: Curves, frame: int = 1) -> None:
    line = sound.Line(Path("line.csv"), "line", frame)
    bake.write(bpy.context.scene, head, bake.Performance(line, curves, ()))


@pytest.mark.parametrize("name", ["arkit", "metahuman", "ready_player_me", "cc_standard", "arkit_lr"])
def test_a_head_with_a_key_for_each_channel_gives_back_what_was_baked(make_head, name):
    rig = next(rig for rig in rigs.conventions() if rig.name == name)
    head = make_head(keys=tuple(rig.weights))
    curves = performed()
    baked(head, curves, frame=11)
    found = export.read_back(bpy.context.scene, head, 11, 58)
    assert (found.first_frame, found.notes, found.curves.rate) == (11, (), 24.0)
    for channel in channels.ARKIT:
        np.testing.assert_allclose(found.curves.column(channel), curves.column(channel), atol=1e-3, err_msg=channel)


def test_visemes_come_back_as_the_mix_that_the_head_shows(make_head):
    rig = next(rig for rig in rigs.conventions() if rig.name == "oculus")
    head = make_head(keys=tuple(rig.visemes))
    baked(head, performed())
    found = export.read_back(bpy.context.scene, head, 1, 48)
    assert "visemes were read as the mix of their poses" in found.notes
    keys = head.data.shape_keys
    bpy.context.scene.frame_set(10)
    shown = sum(keys.key_blocks[name].value * pose.get("jawOpen", 0) for name, pose in rig.visemes.items())
    assert found.curves.column("jawOpen")[9] == pytest.approx(shown, abs=1e-4)


def test_an_animators_own_keys_are_part_of_it(head):
    baked(head, performed())
    curve_of(head, "jawOpen").keyframe_points[9].co[1] = 0.9
    curve_of(head, "jawOpen").update()
    found = export.read_back(bpy.context.scene, head, 1, 48)
    assert found.curves.column("jawOpen")[9] == pytest.approx(0.9, abs=1e-4)


def test_what_lies_on_the_nla_is_played_and_the_frame_stays(head):
    curves = performed()
    baked(head, curves)
    animation = head.data.shape_keys.animation_data
    action = animation.action
    strip = animation.nla_tracks.new().strips.new("take", 1, action)
    if hasattr(strip, "action_slot"):
        strip.action_slot = action.slots[0]
    animation.action = None
    bpy.context.scene.frame_set(5)
    found = export.read_back(bpy.context.scene, head, 1, 48)
    np.testing.assert_allclose(found.curves.column("jawOpen"), curves.column("jawOpen"), atol=1e-3)
    assert bpy.context.scene.frame_current == 5


def test_a_still_head_and_reversed_frames_are_refused(head):
    with pytest.raises(RigError, match="nothing moves on 'Face' between frames 1 and 10"):
        export.read_back(bpy.context.scene, head, 1, 10)
    with pytest.raises(RigError, match="lies before the first"):
        export.read_back(bpy.context.scene, head, 10, 1)


@pytest.mark.parametrize("suffix", list(formats.SUFFIXES))
def test_a_file_that_was_exported_is_imported_as_the_same_keys(head, make_head, settings, tmp_path, suffix):
    curves = performed()
    baked(head, curves)
    path = tmp_path / f"take{suffix}"
    bpy.context.scene.frame_end = 48
    assert bpy.ops.facewright.export_curves(filepath=str(path), timecode="01:00:00:12") == {"FINISHED"}
    if suffix != ".a2f.json":
        assert formats.record(path).start_s == 3600.5
    other = make_head("Other")
    take_import.run(bpy.context.scene, other, take_import.Order(path=path), settings)
    again = export.read_back(bpy.context.scene, other, 1, 48).curves
    np.testing.assert_allclose(again.select(channels.ARKIT).values, curves.values, atol=2e-3)


def test_another_rate_keeps_the_closure(head, tmp_path):
    baked(head, performed())
    bpy.context.scene.frame_end = 48
    bpy.ops.facewright.export_curves(filepath=str(tmp_path / "a.npz"), fps=10.0)
    curves = formats.read(tmp_path / "a.npz")
    assert curves.rate == 10.0
    assert lip_gap(curves).min() < 2e-3


def test_only_the_frames_asked_for_are_written(head, tmp_path):
    baked(head, performed())
    bpy.ops.facewright.export_curves(filepath=str(tmp_path / "a.npz"), use_range=True, frame_start=5, frame_end=14)
    assert len(formats.read(tmp_path / "a.npz").values) == 10


@pytest.mark.parametrize(
    ("before", "kind", "after"),
    [
        ("/a/take.csv", ".csv", "/a/take.csv"),
        ("/a/take.csv", ".a2f.json", "/a/take.a2f.json"),
        ("/a/take.A2F.json", ".json", "/a/take.json"),
        ("/a/v1.2", ".npz", "/a/v1.2.npz"),
        ("/a/", ".csv", "/a/"),
        ("", ".csv", ""),
    ],
)
def test_the_files_ending_follows_the_format(before, kind, after):
    assert export_operators._with_ending(before, formats.SUFFIXES, kind) == after


def test_what_cannot_be_exported_is_said_and_nothing_is_written(head, tmp_path):
    before = state()
    for options, says in (
        ({"filepath": str(tmp_path / "a.csv")}, "nothing moves"),
        ({"filepath": str(tmp_path / "a.mov")}, "unknown ending '.mov'"),
        ({"filepath": str(tmp_path / "a.csv"), "timecode": "noon"}, "'noon' is no timecode"),
    ):
        with pytest.raises(RuntimeError, match=says):
            bpy.ops.facewright.export_curves(**options)
    assert state() == before
    assert not list(tmp_path.iterdir())


def test_rows_with_an_offset_or_turned_round_are_read_back(make_head):
    head = make_head(
        keys=[*(name for name in channels.ARKIT if name not in ("jawOpen", "mouthSmileLeft")), "Jaw", "No"]
    )
    rows = [
        {"channel": "jawOpen", "key": "Jaw", "gain": 0.5, "offset": 0.1},
        {"channel": "mouthSmileLeft", "key": "No", "invert": True},
    ]
    mapping_rows.write(head, build("a test", rows))
    given = {"jawOpen": 0.6, "mouthClose": 0.3, "mouthSmileLeft": 0.4}
    values = np.linspace(0, 1, 10, dtype=np.float32)[:, np.newaxis] * np.array(list(given.values()), np.float32)
    baked(head, Curves(values, tuple(given), 24.0))
    found = export.read_back(bpy.context.scene, head, 1, 10)
    assert found.notes == ()
    for name, value in given.items():
        np.testing.assert_allclose(found.curves.column(name), np.linspace(0, value, 10), atol=1e-3, err_msg=name)
