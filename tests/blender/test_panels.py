"""What the panels remember of a head, and when they look again."""

from __future__ import annotations

import bpy
import pytest

from addon.blender.head import rig_properties
from addon.blender.sidebar import panels

from .conftest import Head


@pytest.fixture
def carried(make_head: Head) -> bpy.types.Object:
    """A face under an Empty that turns as its head."""
    carrier = bpy.data.objects.new("Head", None)
    bpy.context.scene.collection.objects.link(carrier)
    face = make_head(parent=carrier)
    bpy.context.view_layer.update()
    return face


def updated() -> set[str]:
    """What Blender tells its handlers of as changed; a window is drawn anew after that."""
    told: set[str] = set()

    def hear(_scene: bpy.types.Scene, graph: bpy.types.Depsgraph) -> None:
        told.update(update.id.name for update in graph.updates)

    bpy.app.handlers.depsgraph_update_post.append(hear)
    bpy.context.view_layer.update()
    bpy.app.handlers.depsgraph_update_post.remove(hear)
    return told


def test_a_head_is_examined_once_as_long_as_nothing_changes(carried: bpy.types.Object):
    found = panels.found_of(bpy.context.scene, carried)
    assert found is not None
    assert list(found.joints) == ["head"]
    assert panels.found_of(bpy.context.scene, carried) is found


def test_a_choice_in_rig_is_seen_at_once(carried: bpy.types.Object):
    root = bpy.data.objects[panels.found_of(bpy.context.scene, carried).root]
    rig = getattr(root, rig_properties.PROPERTY)
    rig.turns_head = False
    assert root.name in updated()
    assert panels.found_of(bpy.context.scene, carried).joints == {}
    rig.turns_head = True
    rig.head.object = bpy.data.objects["Head"]
    assert root.name in updated()
    assert list(panels.found_of(bpy.context.scene, carried).choices.picks) == ["head"]


def test_a_key_that_was_renamed_is_missed_at_once(carried: bpy.types.Object):
    assert panels.found_of(bpy.context.scene, carried).detection.missing == ()
    carried.data.shape_keys.key_blocks["jawOpen"].name = "mandible"
    carried.data.update_tag()
    bpy.context.view_layer.update()
    assert panels.found_of(bpy.context.scene, carried).detection.missing == ("jawOpen",)
