"""The same Blender as the tests of its room have: registered once, empty before every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import bpy
import pytest

from addon import blender
from addon.blender.direction.properties import PROPERTY

SAMPLE = Path(__file__).parents[2] / "samples" / "head.blend"


@pytest.fixture(scope="session", autouse=True)
def extension() -> Iterator[None]:
    """Another room's tests of the same run may have done it already."""
    is_ours = not hasattr(bpy.types.Scene, PROPERTY)
    if is_ours:
        blender.register("addon")
    yield
    if is_ours:
        blender.unregister()


@pytest.fixture(autouse=True)
def scene(extension: None) -> bpy.types.Scene:
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.context.scene.render.fps = 24
    return bpy.context.scene


@pytest.fixture
def demo_file(scene: bpy.types.Scene) -> bpy.types.Object:
    """The demo head's objects, appended to the empty scene; its face."""
    with bpy.data.libraries.load(str(SAMPLE)) as (there, here):
        here.objects = [name for name in there.objects if name not in ("Camera", "Key", "Fill", "Rim")]
    for obj in here.objects:
        scene.collection.objects.link(obj)
    return bpy.data.objects["Face"]
