"""Builds the demo head: `python samples/build_head.py [head.blend]`; ours is saved by bpy 4.2, for all later ones."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from addon.core.channels import ARKIT
from samples.head import dress, keys, look, parts, skin
from samples.head.parts import Part

NAPE = (0.0, 0.28, -1.1)  # where the head turns on the neck, in Blender units
UNIT_CM = 10.0  # one Blender unit; the head is some 2.4 units tall, so that it fills a fresh viewport


def _mesh(
    scene: bpy.types.Scene, name: str, part: Part, material: str, parent: bpy.types.Object | None
) -> bpy.types.Object:
    """One object with its colours, material and shape keys."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata((part.points / UNIT_CM).tolist(), [], part.faces)
    mesh.polygons.foreach_set("use_smooth", np.ones(len(mesh.polygons), bool))
    colour = mesh.color_attributes.new("Color", "FLOAT_COLOR", "POINT")
    colour.data.foreach_set(
        "color", np.hstack([part.colour, np.ones((len(part.points), 1))]).astype(np.float32).ravel()
    )
    mesh.materials.append(look.material(material, part.colour.mean(axis=0)))
    thing = bpy.data.objects.new(name, mesh)
    thing.parent = parent
    if parent is not None:
        thing.matrix_parent_inverse.translation = [-c for c in parent.location]
    scene.collection.objects.link(thing)
    if part.keys:
        thing.shape_key_add(name="Basis", from_mix=False)
        for key, move in part.keys.items():
            block = thing.shape_key_add(name=key, from_mix=False)
            block.data.foreach_set("co", ((part.points + move) / UNIT_CM).astype(np.float32).ravel())
    return thing


def build(scene: bpy.types.Scene) -> bpy.types.Object:
    """Puts the head in this scene, under an Empty `Head`, with a Collar about its neck; returns Face."""
    form = skin.build()
    face = Part(form.points, form.faces, look.skin_colour(form), keys.make(form, ARKIT))
    head = bpy.data.objects.new("Head", None)
    head.location = NAPE
    head.empty_display_type, head.empty_display_size = "PLAIN_AXES", 0.4
    scene.collection.objects.link(head)
    made = {}
    for name, part, material, levels in (
        ("Face", face, "Skin", 1), ("Eyes", parts.eyes(), "Eyes", 0), ("Teeth", parts.teeth(), "Teeth", 0),
        ("Tongue", parts.tongue(), "Tongue", 0), ("Lashes", parts.lashes(ARKIT), "Lashes", 0),
        ("Brows", parts.brows(ARKIT), "Hair", 0), ("Hair", dress.hair(), "Hair", 0), ("Ears", dress.ears(), "Skin", 1),
        ("Collar", dress.collar(), "Wool", 1),
    ):  # fmt: skip
        made[name] = _mesh(scene, name, part, material, head if name != "Collar" else None)
        if levels:
            smooth = made[name].modifiers.new("Subdivision", "SUBSURF")
            smooth.levels = smooth.render_levels = levels
    return made["Face"]


def main(path: Path) -> None:
    """Builds into an empty file, sets the stage, and saves it with Face selected."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    face = build(scene)
    look.stage(scene)
    for thing in scene.objects:
        thing.select_set(thing is face)
    bpy.context.view_layer.objects.active = face
    for screen in bpy.data.screens:
        for space in (space for area in screen.areas for space in area.spaces if space.type == "VIEW_3D"):
            if space.shading.type == "SOLID":
                look.show(space.shading)
            space.region_3d.view_perspective = "CAMERA"
    bpy.context.preferences.filepaths.save_version = 0  # no head.blend1 beside it
    bpy.ops.wm.save_as_mainfile(filepath=str(path.resolve()), compress=True)
    count, keys_count = len(face.data.vertices), len(face.data.shape_keys.key_blocks) - 1
    print(f"{path}: {count} vertices, {keys_count} keys, {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="build_head.py", description="Builds the demo head.")
    parser.add_argument(
        "path", nargs="?", type=Path, default=Path(__file__).with_name("head.blend"), help="%(default)s"
    )
    main(parser.parse_args().path)
