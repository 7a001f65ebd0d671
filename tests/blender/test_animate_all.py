"""Several heads, several strips: found, animated as one, reviewed."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from addon.blender.base import compat, jobs, preferences
from addon.blender.direction import properties
from addon.blender.sidebar import animate_all
from addon.core.errors import Cancelled
from addon.core.presets import FOLDER_VARIABLE
from addon.core.settings import Settings

from .conftest import Head, keys_on, needs_audio, state, write_line

pytestmark = needs_audio


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """The preferences name the tiny model."""
    monkeypatch.setattr(preferences, "model_settings", lambda _context: settings.model)


@pytest.fixture
def cast(make_head: Head, tmp_path: Path, scene):
    """Anna and Bob, and a strip for each, one after the other."""
    anna, bob = make_head("Anna"), make_head("Bob")
    for number, name in enumerate(("anna_010", "BOB_020")):
        sound = str(write_line(tmp_path / f"{name}.wav"))
        compat.strips(scene).new_sound(name, sound, 1, 1 + 60 * number)
    return anna, bob


@pytest.fixture
def pairs(cast, scene):
    assert bpy.ops.facewright.pairs_find() == {"FINISHED"}
    return animate_all.pairs_of(scene).pairs


def add_strip(tmp_path: Path, name: str, frame: int) -> None:
    compat.strips(bpy.context.scene).new_sound(name, str(write_line(tmp_path / f"{name}.wav")), 2, frame)


def test_strips_find_their_heads_by_name(pairs):
    assert [(pair.head.name, pair.strip) for pair in pairs] == [("Anna", "anna_010"), ("Bob", "BOB_020")]
    assert len({pair.seed for pair in pairs}) == 2


def test_finding_again_adds_only_what_is_new(pairs, tmp_path: Path, scene):
    add_strip(tmp_path, "anna_030", 200)
    add_strip(tmp_path, "wind", 300)
    bpy.ops.facewright.pairs_find()
    assert [pair.strip for pair in pairs] == ["anna_010", "BOB_020", "anna_030"]
    assert len({pair.seed for pair in pairs}) == 3


def test_strips_that_are_muted_are_passed_over(cast, tmp_path: Path, scene):
    add_strip(tmp_path, "anna_010 first try", 1)
    compat.strips(scene)["anna_010 first try"].mute = True
    bpy.ops.facewright.pairs_find()
    assert [pair.strip for pair in animate_all.pairs_of(scene).pairs] == ["anna_010", "BOB_020"]


def test_one_head_speaks_every_strip(make_head: Head, tmp_path: Path, scene):
    make_head("Solo")
    add_strip(tmp_path, "first", 1)
    add_strip(tmp_path, "second", 100)
    bpy.ops.facewright.pairs_find()
    assert [pair.head.name for pair in animate_all.pairs_of(scene).pairs] == ["Solo", "Solo"]


def test_every_head_speaks_its_strip_and_the_list_says_so(cast, pairs, scene):
    assert bpy.ops.facewright.animate_all() == {"FINISHED"}
    assert [keys_on(head, "jawOpen")[0, 0] for head in cast] == [1, 61]
    assert [pair.state for pair in pairs] == ["DONE", "DONE"]
    assert "Baked 48 frames" in pairs[0].told
    assert jobs.board.result == "Animated 2 of 2 lines"


def test_one_undo_takes_all_of_it_back(pairs, scene):
    bpy.ops.ed.undo_push(message="before")
    before = state()
    bpy.ops.facewright.animate_all("EXEC_DEFAULT", True)
    assert state() != before
    bpy.ops.ed.undo()
    assert state() == before
    assert [pair.state for pair in animate_all.pairs_of(bpy.context.scene).pairs] == ["TODO", "TODO"]


def test_what_cannot_be_done_does_not_stop_the_others(cast, pairs, tmp_path: Path, scene):
    (tmp_path / "anna_010.wav").write_text("no sound")
    assert bpy.ops.facewright.animate_all() == {"FINISHED"}
    assert [pair.state for pair in pairs] == ["REFUSED", "DONE"]
    assert "no sound that can be decoded" in pairs[0].told
    assert cast[0].data.shape_keys.animation_data is None
    assert jobs.board.notes == ("1 could not be; the list says why",)


def test_gone_heads_gone_strips_and_gone_presets_are_refused_one_by_one(pairs, scene):
    bpy.data.objects.remove(bpy.data.objects["Anna"])
    pairs[1].preset = "Nowhere"
    pair = pairs.add()
    pair.head, pair.strip = bpy.data.objects["Bob"], "no strip"
    bpy.ops.facewright.animate_all()
    assert [pair.state for pair in pairs] == ["REFUSED"] * 3
    assert ["is gone" in pairs[0].told, "preset 'Nowhere'" in pairs[1].told, "'no strip'" in pairs[2].told] == [
        True
    ] * 3


def test_what_is_not_ticked_is_left_alone(cast, pairs, scene):
    pairs[0].use = False
    bpy.ops.facewright.animate_all()
    assert cast[0].data.shape_keys.animation_data is None
    assert [pair.state for pair in pairs] == ["TODO", "DONE"]


def test_each_pair_has_its_own_seed_and_preset(make_head: Head, tmp_path: Path, scene, monkeypatch: pytest.MonkeyPatch):
    twins = [make_head("One"), make_head("Two")]
    add_strip(tmp_path, "line", 1)
    every = animate_all.pairs_of(scene)
    for number, twin in enumerate(twins):
        pair = every.pairs.add()
        pair.head, pair.strip, pair.seed = twin, "line", number
    bpy.ops.facewright.animate_all()
    looks = [keys_on(twin, "eyeLookInLeft") for twin in twins]
    assert looks[0].shape != looks[1].shape or not np.array_equal(*looks)
    folder = tmp_path / "presets"
    folder.mkdir()
    (folder / "Shut.toml").write_text("[articulation]\njaw = 0.5\n")
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    every.pairs[1].preset = "Shut"
    bpy.ops.facewright.animate_all()
    wide, shut = (keys_on(twin, "jawOpen")[:, 1].max() for twin in twins)
    assert shut == pytest.approx(wide / 2, abs=0.02)


def test_a_click_on_a_pair_selects_its_head_and_goes_to_its_line(cast, pairs, scene):
    bpy.ops.facewright.animate_all()
    animate_all.pairs_of(scene).index = 1
    assert bpy.context.view_layer.objects.active == cast[1]
    assert (cast[0].select_get(), cast[1].select_get()) == (False, True)
    assert scene.frame_current == 61


def test_cancelling_writes_nothing(cast, pairs, scene, settings: Settings):
    before = state()
    todo, refused = animate_all.tasks(scene, settings.model)
    assert (len(todo), refused) == (2, {})

    def stop(fraction: float) -> None:
        if fraction > 0.6:
            raise Cancelled

    with pytest.raises(Cancelled):
        animate_all.make(todo, stop)
    assert state() == before
    assert [pair.state for pair in pairs] == ["TODO", "TODO"]


def test_pairs_are_added_and_removed_by_hand(cast, scene):
    every = animate_all.pairs_of(scene)
    assert not bpy.ops.facewright.animate_all.poll()
    assert not bpy.ops.facewright.pair_remove.poll()
    properties.choices_of(scene).strip = "BOB_020"
    bpy.context.view_layer.objects.active = cast[1]
    bpy.ops.facewright.pair_add()
    assert (every.pairs[0].head, every.pairs[0].strip) == (cast[1], "BOB_020")
    bpy.ops.facewright.pair_remove()
    assert len(every.pairs) == 0


def test_meshes_of_one_character_are_one_head(make_head: Head, scene):
    root = bpy.data.objects.new("Hero", None)
    scene.collection.objects.link(root)
    make_head("Face", parent=root)
    make_head("Teeth", keys=("jawOpen", "mouthClose"), parent=root)
    make_head("Other")
    assert len(animate_all.heads_of(scene)) == 2


def test_a_strip_may_bear_the_name_of_a_face_that_stands_after_its_teeth(make_head: Head, tmp_path: Path, scene):
    for name in ("Anna", "Bob"):
        root = bpy.data.objects.new(f"{name} rig", None)
        scene.collection.objects.link(root)
        make_head(f"Teeth of {name.lower()}", keys=("jawOpen", "mouthClose"), parent=root)
        make_head(f"{name} face", parent=root)
    add_strip(tmp_path, "bob face 010", 1)
    bpy.ops.facewright.pairs_find()
    assert [pair.head.name for pair in animate_all.pairs_of(scene).pairs] == ["Bob face"]


def test_a_name_is_not_found_within_another_or_within_a_word(make_head: Head, tmp_path: Path, scene):
    make_head("Ann"), make_head("Anna")
    for number, name in enumerate(("anna_010", "ANN020", "channel_02")):
        add_strip(tmp_path, name, 1 + 60 * number)
    bpy.ops.facewright.pairs_find()
    pairs = animate_all.pairs_of(scene).pairs
    assert [(pair.head.name, pair.strip) for pair in pairs] == [("Anna", "anna_010"), ("Ann", "ANN020")]
