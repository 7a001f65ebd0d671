"""Colours, materials, lamps and the camera."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Vector

from .form import Array
from .skin import LIDS, LIPS, Skin

SKIN = np.array([0.92, 0.56, 0.41])
BLUSH = np.array([0.90, 0.34, 0.25])
LIP = np.array([0.70, 0.22, 0.20])
INSIDE = np.array([0.16, 0.02, 0.02])


def skin_colour(skin: Skin) -> Array:
    """Colours (V, 3), linear: warm cheeks, nose and lids, lips, and a dark mouth."""
    p = skin.points * [1, 1, 1]
    p[:, 0] = np.abs(p[:, 0])
    blush = np.zeros(len(p))
    for centre, radius, strength in (
        ((4.3, -6.9, -2.2), 2.0, 0.55),
        ((0.3, -10.2, -1.6), 1.2, 0.5),
        ((0, -8.8, -8.3), 1.5, 0.22),
        ((3.4, -7.9, 1.2), 2.2, 0.3),
    ):
        blush += strength * np.exp(-((p - np.array(centre)) ** 2).sum(axis=1) / radius**2)
    blush = np.clip(blush, 0, 0.8)[:, None]
    colour = SKIN * (1 - blush) + BLUSH * blush
    lip = np.where(skin.zone == LIPS, np.interp(skin.ring, [3, 4, 5, 8, 10], [0, 0.5, 1, 1, 1]), 0)[:, None]
    lip = lip * (1 - 0.35 * skin.along[:, None] ** 6)
    colour = colour * (1 - lip) + LIP * lip
    deep = np.where(skin.zone == LIPS, np.interp(skin.ring, [8, 10, 13], [0, 0.6, 1]), 0)[:, None]
    colour = colour * (1 - deep) + INSIDE * deep
    rim = np.where(skin.zone == LIDS, np.interp(skin.ring, [6, 7, 9], [0, 0.55, 0.9]), 0)[:, None]
    colour = colour * (1 - rim) + np.array([0.36, 0.11, 0.09]) * rim
    nostril = np.exp(-(((p - [0.48, -9.15, -2.3]) / [0.22, 0.36, 0.24]) ** 2).sum(axis=1))[:, None]
    return np.asarray(colour * (1 - 0.8 * nostril) + np.array([0.08, 0.015, 0.012]) * 0.8 * nostril)


# name: roughness, coat, subsurface weight
MATERIALS = {
    "Skin": (0.48, 0.0, 0.12), "Eyes": (0.12, 1.0, 0.0), "Teeth": (0.18, 0.6, 0.05), "Tongue": (0.3, 0.4, 0.1),
    "Lashes": (0.6, 0.0, 0.0), "Hair": (0.6, 0.0, 0.0), "Wool": (0.85, 0.0, 0.0),
}  # fmt: skip


def material(name: str, colour: Array) -> bpy.types.Material:
    """A material that takes its colour from the mesh's `Color` attribute; the viewport shows the mean."""
    found = bpy.data.materials.get(name)
    if found:
        return found
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    rough, coat, under = MATERIALS[name]
    shader = made.node_tree.nodes["Principled BSDF"]
    reader = made.node_tree.nodes.new("ShaderNodeVertexColor")
    reader.layer_name = "Color"
    reader.location = (-240, 200)
    made.node_tree.links.new(reader.outputs["Color"], shader.inputs["Base Color"])
    for socket, value in (("Roughness", rough), ("Coat Weight", coat), ("Subsurface Weight", under)):
        shader.inputs[socket].default_value = value
    shader.inputs["Subsurface Radius"].default_value = (0.1, 0.03, 0.015)
    made.diffuse_color = (*(float(c) for c in colour), 1.0)
    made.roughness = rough
    return made


def _lamp(
    scene: bpy.types.Scene,
    name: str,
    at: tuple[float, float, float],
    watts: float,
    size: float,
    tint: tuple[float, float, float],
) -> None:
    light = bpy.data.lights.new(name, "AREA")
    light.energy, light.size, light.color = watts, size, tint
    thing = bpy.data.objects.new(name, light)
    thing.location = at
    thing.rotation_euler = (Vector((0, -0.5, -0.1)) - Vector(at)).to_track_quat("-Z", "Y").to_euler()
    scene.collection.objects.link(thing)


def stage(scene: bpy.types.Scene) -> None:
    """Camera, three lamps, a backdrop colour, and Workbench set to show the painted colours."""
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.lens, camera.data.sensor_fit, camera.data.sensor_height = 76, "VERTICAL", 36
    camera.location = (0.75, -7.6, 0.12)
    camera.rotation_euler = (Vector((0.0, 0.0, -0.06)) - camera.location).to_track_quat("-Z", "Y").to_euler()
    scene.collection.objects.link(camera)
    scene.camera = camera
    _lamp(scene, "Key", (-3.2, -4.6, 3.4), 330, 2.4, (1.0, 0.95, 0.88))
    _lamp(scene, "Fill", (4.2, -3.8, 0.4), 110, 3.5, (0.82, 0.9, 1.0))
    _lamp(scene, "Rim", (2.6, 3.6, 3.2), 300, 1.6, (1.0, 0.97, 0.92))
    world = bpy.data.worlds.new("World")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.12, 0.15, 0.18, 1)
    world.color = (0.075, 0.10, 0.125)
    scene.world = world
    scene.render.fps, scene.render.fps_base = 24, 1.0
    scene.render.resolution_x, scene.render.resolution_y = 640, 360
    scene.view_settings.view_transform = "Standard"
    scene.cycles.samples = 24
    show(scene.display.shading)
    scene.display.render_aa, scene.display.matcap_ssao_samples = "5", 8  # without a GPU every sample counts
    scene.render.engine = "BLENDER_WORKBENCH"


def show(shading: bpy.types.View3DShading) -> None:
    """Workbench as the head was painted for: studio light, painted colours, soft creases."""
    shading.light, shading.studio_light = "STUDIO", "paint.sl"
    shading.color_type = "VERTEX"
    shading.background_type = "WORLD"
    shading.show_cavity = True
    shading.cavity_type = "WORLD"
    shading.cavity_ridge_factor, shading.cavity_valley_factor = 0.0, 0.7
    shading.show_shadows = False
    shading.show_specular_highlight = False
