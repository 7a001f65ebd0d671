"""Solo shows one channel and leaves no trace."""

from __future__ import annotations

import bpy
import pytest

from addon.blender.mapping import mapping_solo
from addon.core import channels
from addon.core.errors import RigError
from addon.core.rigs import Row

from .conftest import Head
from .test_mapping import keep


@pytest.fixture
def make_head(make_head: Head) -> Head:
    """Heads at rest; from Blender 5.2 on a new key begins at 1."""

    def make(**arguments: object) -> bpy.types.Object:
        head = make_head(**arguments)
        for block in head.data.shape_keys.key_blocks:
            block.value = 0
        return head

    return make


def values(head: bpy.types.Object) -> dict[str, float]:
    return {block.name: block.value for block in head.data.shape_keys.key_blocks if block.value}


def show(head: bpy.types.Object, channel: str, amount: float):
    laid = mapping_solo.overlay(bpy.context.scene, head, channel, amount)
    laid.lay(mapping_solo.FRAME)
    return laid


def test_one_channel_is_seen_alone_and_everything_is_put_back(head: bpy.types.Object):
    blocks = head.data.shape_keys.key_blocks
    blocks["mouthSmileLeft"].value = 0.75
    blocks["jawOpen"].value = 0.5
    before = values(head)
    laid = show(head, "mouthPucker", 0.25)
    assert values(head) == {"mouthPucker": 0.25}
    laid.lift()
    assert values(head) == before
    assert head.data.shape_keys.animation_data is None
    assert list(head.data.shape_keys.keys()) == []
    assert len(bpy.data.actions) == 0


def test_it_is_seen_as_the_rows_say(make_head: Head):
    head = make_head(keys=(*channels.ARKIT, "Grin"))
    keep(head, Row("mouthSmileLeft", "Grin", 0.5, 0.25))
    laid = show(head, "mouthSmileLeft", 1.0)
    assert values(head) == {"Grin": 0.75}
    laid.lift()
    assert values(head) == {}


def test_keys_that_are_animated_are_put_back_to_what_the_frame_says(head: bpy.types.Object):
    block = head.data.shape_keys.key_blocks["jawOpen"]
    for frame, value in ((1, 0.0), (11, 1.0)):
        block.value = value
        block.keyframe_insert("value", frame=frame)
    bpy.context.scene.frame_set(6)
    before = values(head)
    laid = show(head, "jawOpen", 1.0)
    assert values(head) == {"jawOpen": 1.0}
    laid.lift()
    assert values(head) == before
    bpy.context.scene.frame_set(11)
    assert values(head) == {"jawOpen": 1.0}


def test_lips_are_closed_over_an_open_jaw(head: bpy.types.Object):
    show(head, "mouthClose", 1.0).lift()
    laid = show(head, "mouthClose", 1.0)
    assert values(head) == {"jawOpen": 0.5, "mouthClose": 0.5}
    laid.lift()


def test_an_angle_turns_to_both_sides(make_head: Head):
    head = make_head(keys=("Turn",))
    head.data.shape_keys.key_blocks["Turn"].slider_min = -1
    keep(head, Row("headYaw", "Turn", 2, low=-1))
    for amount in (1, -1):
        laid = show(head, "headYaw", amount)
        assert values(head) == {"Turn": amount}
        laid.lift()


def test_a_channel_that_moves_nothing_is_refused(make_head: Head):
    head = make_head(keys=("jawOpen", "mouthFunnel"))
    with pytest.raises(RigError, match="tongueOut moves nothing on this head"):
        mapping_solo.overlay(bpy.context.scene, head, "tongueOut", 1.0)
    head.data.shape_keys.key_blocks["mouthFunnel"].driver_add("value")
    with pytest.raises(
        RigError, match="mouthFunnel moves nothing on this head; give it a row whose key is there and free"
    ):
        mapping_solo.overlay(bpy.context.scene, head, "mouthFunnel", 1.0)
    with pytest.raises(RigError, match="'' is no channel"):
        mapping_solo.overlay(bpy.context.scene, head, "", 1.0)


def test_without_a_window_there_is_nothing_to_see(head: bpy.types.Object):
    assert bpy.ops.facewright.mapping_solo("INVOKE_DEFAULT", channel="jawOpen") == {"CANCELLED"}
    assert values(head) == {}
