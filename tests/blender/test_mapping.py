"""A mapping made by hand: kept with the character, followed by the bake, and told when it no longer fits."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from addon.blender.head import mapping_rows, rig
from addon.blender.head.character import character_of
from addon.blender.mapping import mapping
from addon.core import channels
from addon.core.curves import Curves
from addon.core.errors import RigError
from addon.core.rigs import CustomMap, Row, custom_toml

from .conftest import Head

STRANGE = ('Mund "auf"', "back\\slash", "口を開ける", "ä" * 31 + "x", "with [brackets].value")


def keep(head: bpy.types.Object, *rows: Row, only: bool = False) -> bpy.types.Object:
    """Gives the character these rows; the object that keeps them."""
    keeper = mapping_rows.holder(character_of(bpy.context.scene, head))
    mapping_rows.write(keeper, CustomMap(rows, only))
    return keeper


def rows_of(head: bpy.types.Object) -> tuple[Row, ...]:
    return mapping_rows.read(mapping_rows.holder(character_of(bpy.context.scene, head))).rows


def shown(head: bpy.types.Object, **values: float) -> dict[str, float]:
    """What a bake would set the keys to, but those at rest."""
    row = np.array([[values.get(name, 0.0) for name in channels.ALL]], np.float32)
    strands = rig.examine(bpy.context.scene, head).strands(Curves(row, channels.ALL, 24.0))
    return {s.name: pytest.approx(float(s.values[0]), abs=1e-6) for s in strands if abs(s.values[0]) > 1e-6}


def call(name: str, **arguments: object) -> set[str]:
    return getattr(bpy.ops.facewright, f"mapping_{name}")(**arguments)


def refused(name: str, **arguments: object) -> str:
    with pytest.raises(RuntimeError) as caught:
        call(name, **arguments)
    return str(caught.value)


def test_a_bake_follows_the_rows(make_head: Head):
    head = make_head(keys=(*channels.ARKIT, "Grin"))
    keep(head, Row("mouthSmileLeft", "Grin", 0.5, 0.1))
    assert shown(head, mouthSmileLeft=0.8, jawOpen=0.5) == {"Grin": 0.5, "jawOpen": 0.5}


def test_a_head_of_unknown_names_moves_once_it_is_mapped(make_head: Head):
    head = make_head(keys=("Drop", "Wide"))
    with pytest.raises(RigError, match="would not move"):
        rig.examine(bpy.context.scene, head)
    keep(head, Row("jawOpen", "Drop"))
    assert shown(head, jawOpen=0.5) == {"Drop": 0.5}


@pytest.mark.parametrize("key", STRANGE)
def test_keys_of_any_name_are_mapped(make_head: Head, key: str):
    head = make_head(keys=(key,))
    name = head.data.shape_keys.key_blocks[1].name
    keep(head, Row("jawOpen", name))
    strand = rig.examine(bpy.context.scene, head).strands(Curves(np.full((1, 1), 0.5, np.float32), ("jawOpen",), 24.0))[
        0
    ]
    head.data.shape_keys.path_resolve(strand.path.removesuffix(".value")).value = 0.25
    assert head.data.shape_keys.key_blocks[1].value == 0.25
    assert rows_of(head) == (Row("jawOpen", name),)


def test_two_heads_of_one_scene_have_mappings_of_their_own(make_head: Head):
    first, second = make_head("First", ("Drop", "Wide")), make_head("Second", ("Drop", "Wide"))
    keep(first, Row("jawOpen", "Drop"))
    keep(second, Row("jawOpen", "Wide"))
    assert (shown(first, jawOpen=1), shown(second, jawOpen=1)) == ({"Drop": 1.0}, {"Wide": 1.0})


def test_all_meshes_of_a_character_follow_one_table_whichever_was_chosen(make_head: Head):
    face = make_head("Face", ("Drop",))
    teeth = make_head("Teeth", ("Drop",), parent=face)
    keep(teeth, Row("jawOpen", "Drop"))
    assert rows_of(face) == rows_of(teeth)
    strands = rig.examine(bpy.context.scene, face).strands(Curves(np.ones((1, 1), np.float32), ("jawOpen",), 24.0))
    assert sorted(strand.owner.shown for strand in strands) == ["Face", "Teeth"]


def test_rows_are_found_after_the_head_has_got_a_parent(make_head: Head):
    head = make_head(keys=("Drop",))
    keep(head, Row("jawOpen", "Drop"))
    root = bpy.data.objects.new("Root", None)
    bpy.context.scene.collection.objects.link(root)
    head.parent = root
    assert shown(root, jawOpen=1) == {"Drop": 1.0}


@pytest.mark.parametrize("change", ["rename", "delete"])
def test_a_key_that_was_renamed_or_deleted_is_told_and_the_rest_goes_on(make_head: Head, change: str):
    head = make_head(keys=("Drop", "Wide"))
    keep(head, Row("jawOpen", "Drop"), Row("mouthFunnel", "Wide"))
    if change == "rename":
        head.data.shape_keys.key_blocks["Drop"].name = "Chin"
    else:
        head.shape_key_remove(head.data.shape_keys.key_blocks["Drop"])
    assert shown(head, jawOpen=1, mouthFunnel=0.5) == {"Wide": 0.5}
    told = rig.examine(bpy.context.scene, head).explain()
    assert "Mapped to keys that this head does not have: Drop; choose others in Mapping." in told


def test_rows_that_lack_a_name_yet_are_passed_over_and_wrong_ones_refused(make_head: Head):
    head = make_head(keys=("Drop",))
    keeper = keep(head, Row("jawOpen", "Drop"))
    mapping_rows.of(keeper).rows.add().channel = "mouthFunnel"
    assert shown(head, jawOpen=1) == {"Drop": 1.0}
    mapping_rows.of(keeper).rows[0].low = 2
    with pytest.raises(RigError, match=r"the mapping of 'Face', row 1 \(jawOpen to 'Drop'\): low 2 is above high 1"):
        rig.examine(bpy.context.scene, head)


def test_a_mapped_key_that_is_locked_is_left_alone(make_head: Head):
    head = make_head(keys=("Drop", "Wide"))
    keep(head, Row("jawOpen", "Drop"), Row("mouthFunnel", "Wide"))
    head.data.shape_keys.key_blocks["Drop"].mute = True
    found = rig.examine(bpy.context.scene, head)
    assert found.controls == ("Wide",)
    assert any(note.startswith("Drop on Face: muted") for note in found.notes)


def test_a_key_whose_range_is_narrower_than_its_row_is_told(make_head: Head):
    head = make_head(keys=("Drop",))
    keep(head, Row("jawOpen", "Drop", 2, high=2))
    assert any("held back; set Range to 0 and 2" in note for note in rig.examine(bpy.context.scene, head).notes)


def test_custom_properties_can_be_mapped_beside_shape_keys(make_head: Head):
    head = make_head()
    head["Eye glow"] = 0.0
    keep(head, Row("browInnerUp", "Eye glow"))
    assert shown(head, browInnerUp=0.5, jawOpen=0.25) == {"Eye glow": 0.5, "jawOpen": 0.25}


def test_filling_in_changes_nothing_that_the_head_shows(head: bpy.types.Object):
    rng = np.random.default_rng(1)
    curves = Curves(rng.random((50, len(channels.ARKIT)), np.float32), channels.ARKIT, 24.0)
    before = {s.name: s.values for s in rig.examine(bpy.context.scene, head).strands(curves)}
    assert call("fill") == {"FINISHED"}
    assert len(rows_of(head)) == 52
    after = {s.name: s.values for s in rig.examine(bpy.context.scene, head).strands(curves)}
    assert after.keys() == before.keys()
    for name in before:
        np.testing.assert_allclose(after[name], before[name], atol=1e-6)
    assert "every key that was recognised has a row already" in refused("fill")


@pytest.mark.parametrize(("keys", "reason"), [(("Wide", "Drop"), "add a row for each"), ("visemes", "speaks through")])
def test_what_cannot_be_filled_in_is_refused_with_the_reason(make_head: Head, keys, reason):
    oculus = next(r for r in rig.rigs.conventions() if r.name == "oculus")
    head = make_head(keys=tuple(oculus.visemes) if keys == "visemes" else keys)
    assert reason in refused("fill")
    assert rows_of(head) == ()


def test_a_new_row_takes_the_shape_key_that_is_chosen_and_the_channel_it_is_named_like(make_head: Head):
    head = make_head(keys=("Mouth Funnel", "Zonk"))
    head.active_shape_key_index = 1
    call("add")
    assert rows_of(head) == (Row("mouthFunnel", "Mouth Funnel"),)
    head.active_shape_key_index = 2
    call("add")
    call("add")
    group = mapping_rows.of(head)
    assert [(row.channel, row.key) for row in group.rows] == [("mouthFunnel", "Mouth Funnel"), ("", "Zonk"), ("", "")]
    assert group.active == 2


def test_removing_and_clearing(head: bpy.types.Object):
    call("fill")
    group = mapping_rows.of(head)
    group.active = 51
    gone = group.rows[51].channel
    call("remove")
    assert group.active == 50
    assert gone not in {row.channel for row in rows_of(head)}
    call("clear")
    assert rows_of(head) == ()
    for name in ("remove", "clear", "mirror", "export"):
        assert "The table has no rows yet" in refused(name)


def test_mirroring_by_names(make_head: Head):
    head = make_head(keys=("Grin_L", "Grin_R", "Wink_L"))
    keep(head, Row("mouthSmileLeft", "Grin_L", 0.8))
    call("mirror")
    assert rows_of(head) == (Row("mouthSmileLeft", "Grin_L", 0.8), Row("mouthSmileRight", "Grin_R", 0.8))
    assert "the right side does as the left does already" in refused("mirror")
    keep(head, Row("eyeBlinkLeft", "Wink_L"))
    assert "no other side of Wink_L" in refused("mirror")


def test_copying_to_another_character_tells_what_it_lacks(make_head: Head, capfd):
    make_head("Other", ("Drop",))
    head = make_head("Face", ("Drop", "Wide"))
    keep(head, Row("jawOpen", "Drop"), Row("mouthFunnel", "Wide"), only=True)
    assert call("copy", target="Other") == {"FINISHED"}
    other = bpy.data.objects["Other"]
    assert rows_of(other) == rows_of(head)
    assert mapping_rows.of(other).only
    assert shown(other, jawOpen=0.5) == {"Drop": 0.5}
    assert "Not on Other: Wide" in capfd.readouterr().out
    assert "is the same character" in refused("copy", target="Face")
    assert "has no object 'Nobody'" in refused("copy", target="Nobody")


def test_a_mapping_goes_to_a_file_and_comes_back_the_same(make_head: Head, tmp_path: Path):
    head = make_head(keys=(*STRANGE, "Drop"))
    names = [block.name for block in head.data.shape_keys.key_blocks[1:]]
    rows = tuple(
        Row(channel, key, 0.1, -0.3, -0.7, 1.3, n % 2 == 0)
        for n, (channel, key) in enumerate(zip(channels.ALL, names, strict=False))
    )
    keep(head, *rows, only=True)
    path = tmp_path / "hero.toml"
    call("export", filepath=str(path))
    assert custom_toml.load(path) == CustomMap(rows, only=True)
    call("clear")
    call("import", filepath=str(path))
    assert rows_of(head) == rows
    assert mapping_rows.of(head).only


def test_a_file_that_is_no_mapping_changes_nothing(make_head: Head, tmp_path: Path):
    head = make_head(keys=("Drop",))
    keep(head, Row("jawOpen", "Drop"))
    path = tmp_path / "bad.toml"
    path.write_text('kind = "facewright-mapping"\nschema = 1\n[[row]]\nchannel = "jaw"\nkey = "Drop"\n')
    assert "the mapping 'bad.toml', row 1: 'jaw' is no channel" in refused("import", filepath=str(path))
    assert rows_of(head) == (Row("jawOpen", "Drop"),)
    assert "cannot be written: its folder does not exist" in refused("export", filepath=str(tmp_path / "no/x.toml"))


def test_every_change_of_the_table_is_undone_and_done_again(make_head: Head, tmp_path: Path):
    path = tmp_path / "hero.toml"
    custom_toml.save(path, CustomMap((Row("jawOpen", "Grin_L"),)))
    make_head(keys=("Grin_L", "Grin_R", *channels.ARKIT))
    bpy.ops.ed.undo_push(message="start")
    steps = [("fill", {}), ("add", {}), ("remove", {}), ("clear", {}), ("import", {"filepath": str(path)})]
    states = [table()]
    for name, arguments in steps:
        call(name, **arguments)
        bpy.ops.ed.undo_push(message=name)
        states.append(table())
    for state in reversed(states[:-1]):
        bpy.ops.ed.undo()
        assert table() == state
    for state in states[1:]:
        bpy.ops.ed.redo()
        assert table() == state


def table() -> list[tuple[str, str, float]]:
    return [(row.channel, row.key, row.gain) for row in mapping_rows.of(bpy.data.objects["Face"]).rows]


def test_the_table_is_saved_with_the_file_and_appended_with_the_head(make_head: Head, tmp_path: Path):
    keep(make_head(keys=("Drop",)), Row("jawOpen", "Drop", 0.5))
    path = str(tmp_path / "hero.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert rows_of(bpy.data.objects["Face"]) == (Row("jawOpen", "Drop", 0.5),)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(path, link=False) as (_there, here):
        here.objects = ["Face"]
    bpy.context.scene.collection.objects.link(here.objects[0])
    assert shown(here.objects[0], jawOpen=1) == {"Drop": 0.5}


def test_a_duplicate_takes_its_table_along_and_changes_it_alone(make_head: Head):
    head = make_head(keys=("Drop",))
    keep(head, Row("jawOpen", "Drop"))
    twin = head.copy()
    twin.data = head.data.copy()
    bpy.context.scene.collection.objects.link(twin)
    keep(twin, Row("jawOpen", "Drop", 0.5))
    assert (shown(head, jawOpen=1), shown(twin, jawOpen=1)) == ({"Drop": 1.0}, {"Drop": 0.5})


def test_a_linked_table_is_followed_and_can_be_changed_once_the_object_is_overridden(make_head: Head, tmp_path: Path):
    keep(make_head(keys=("Drop", "mouthFunnel")), Row("jawOpen", "Drop", 0.5))
    bpy.data.libraries.write(str(tmp_path / "hero.blend"), {bpy.data.objects["Face"]}, fake_user=True)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "hero.blend"), link=True) as (_there, here):
        here.objects = ["Face"]
    linked = here.objects[0]
    bpy.context.scene.collection.objects.link(linked)
    bpy.context.view_layer.objects.active = linked
    for name in ("fill", "add", "remove", "clear"):
        assert "'Face' is linked; make a library override" in refused(name)
    mine = linked.override_create(remap_local_usages=True)
    mine.data.override_create(remap_local_usages=True)
    bpy.context.view_layer.objects.active = mine
    assert shown(mine, jawOpen=1) == {"Drop": 0.5}
    mine.active_shape_key_index = 2
    call("add")
    mapping_rows.of(mine).rows[1].gain = 0.5
    assert shown(mine, jawOpen=1, mouthFunnel=0.5) == {"Drop": 0.5, "mouthFunnel": 0.25}
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    assert shown(bpy.data.objects["Face"], jawOpen=1, mouthFunnel=0.5) == {"Drop": 0.5, "mouthFunnel": 0.25}


@pytest.mark.parametrize(("key", "channel"), [("Jaw_Open", "jawOpen"), ("jawOpn", "jawOpen"), ("Zonk", ""), ("", "")])
def test_the_channel_that_a_name_is_like(key: str, channel: str):
    assert mapping.nearest_channel(key) == channel


def test_without_a_head_the_table_cannot_be_changed(scene):
    assert "no head is chosen" in refused("fill")
