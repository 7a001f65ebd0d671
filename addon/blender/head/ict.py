"""Builds a Blender head from ICT-FaceKit's files: ARKit's 52 keys, eyes that turn, a tongue that comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ...core import channels
from ...core.errors import FormatError, quoted, reason
from ...core.whole import check_writable, half_named, put_in_place
from ..base import compat
from . import ict_files
from .ict_files import Array, Model, Progress

CM = 0.01  # a Blender unit is a metre
TURN_RAD = channels.EYE_UNIT_RAD
# Object → the materials of the faces in it. What lies over the eyes for a game's shaders is left out.
OBJECTS = {
    "Face": ("Face", "BackHead"),
    "Teeth": ("Teeth",),
    "Tongue": ("GumsTongue",),
    "Eyes": ("ScleraLeft", "ScleraRight", "IrisLeft", "IrisRight"),
    "Lashes": ("EyeLashes",),
}
# Material: colour, roughness, coat, subsurface weight, alpha; lashes are cards whose hairs are in a texture, so thin.
LOOKS = {
    "Skin": ((0.62, 0.36, 0.27), 0.5, 0.0, 0.15, 1.0),
    "Teeth": ((0.82, 0.77, 0.66), 0.2, 0.5, 0.05, 1.0),
    "Tongue": ((0.48, 0.13, 0.13), 0.3, 0.4, 0.15, 1.0),
    "Eye White": ((0.8, 0.77, 0.74), 0.15, 1.0, 0.05, 1.0),
    "Iris": ((0.16, 0.09, 0.04), 0.3, 0.0, 0.0, 1.0),
    "Pupil": ((0.004, 0.004, 0.004), 0.4, 0.0, 0.0, 1.0),
    "Cornea": ((1.0, 1.0, 1.0), 0.03, 1.0, 0.0, 0.06),
    "Lashes": ((0.015, 0.01, 0.008), 0.6, 0.0, 0.0, 0.3),
}
MATERIAL_OF = {"Face": "Skin", "BackHead": "Skin", "Teeth": "Teeth", "GumsTongue": "Tongue", "EyeLashes": "Lashes"}
IRIS_CM, PUPIL_CM = 0.6, 0.22  # measured from the eye's axis
PART_CM = 0.03  # teeth, eyes and lashes get the keys that move them further than this
APEX_CM = 0.03  # what lies so near the foremost point of an eye is its cornea's apex
LICENCE = "ICT-FaceKit, MIT licence, USC Institute for Creative Technologies"


def import_head(source: Path, output: Path, progress: Progress | None = None) -> str:
    """Writes a .blend with the head of an ICT-FaceKit clone; one line on what is in it."""
    if output.suffix.lower() != ".blend":
        raise FormatError(f"{quoted(output)} must end in .blend")
    check_writable(output)
    model = ict_files.read(source, progress)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    face = build(bpy.context.scene, model)
    written = half_named(output, ".blend")
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(written), compress=True, copy=True)
        put_in_place(written, output)
    except (OSError, RuntimeError) as error:
        raise FormatError(f"{quoted(output)} cannot be written: {reason(error)}; choose another place") from error
    finally:
        written.unlink(missing_ok=True)
    keys = len(face.data.shape_keys.key_blocks) - 1
    return f"{quoted(output)}: {len(model.points):,} vertices, {keys} keys on the face; {LICENCE}"


def build(scene: bpy.types.Scene, model: Model) -> bpy.types.Object:
    """Puts the head into the scene, its parts under an Empty; returns the face."""
    moves = ict_files.arkit_moves(model)
    moves = _with_eyes(model, moves)
    if "tongueOut" not in moves:
        moves["tongueOut"] = _tongue_out(model, moves)
    ordered = {name: moves[name] for name in (*channels.ARKIT, *moves) if name in moves}
    top = bpy.data.objects.new("ICT Head", None)
    top.empty_display_size = 0.05
    scene.collection.objects.link(top)
    made = {}
    for name, kinds in OBJECTS.items():
        faces = [number for number, kind in enumerate(model.materials) if kind in kinds]
        if faces:
            made[name] = _object(scene, name, model, faces, ordered)
            made[name].parent = top
    if "Face" not in made:
        raise FormatError("this ICT-FaceKit head has no faces of the material M_Face; download it again")
    face = made["Face"]
    face["licence"] = LICENCE
    for thing in scene.objects:
        thing.select_set(thing == face)
    bpy.context.view_layer.objects.active = face
    return face


def _object(
    scene: bpy.types.Scene, name: str, model: Model, faces: list[int], moves: dict[str, Array]
) -> bpy.types.Object:
    """One mesh of some of the faces, with the keys that move it."""
    rows = np.unique([corner for face in faces for corner in model.faces[face]])
    place = {int(row): new for new, row in enumerate(rows)}
    mesh = bpy.data.meshes.new(name)
    rest = upright(model.points[rows])
    mesh.from_pydata(rest.tolist(), [], [[place[corner] for corner in model.faces[face]] for face in faces])
    mesh.polygons.foreach_set("use_smooth", np.ones(len(mesh.polygons), bool))
    eyes = {side: _eye(model, side) for side in ("Left", "Right")} if name == "Eyes" else {}
    looks = [_look(model, face, eyes) for face in faces]
    used = list(dict.fromkeys(looks))
    for look in used:
        mesh.materials.append(_material(look))
    mesh.polygons.foreach_set("material_index", np.array([used.index(look) for look in looks], np.int32))
    thing = bpy.data.objects.new(name, mesh)
    scene.collection.objects.link(thing)
    thing.shape_key_add(name="Basis", from_mix=False)
    for key, move in moves.items():
        part = move[rows]
        if name == "Face" or np.abs(part).max(initial=0) > PART_CM:
            block = thing.shape_key_add(name=key, from_mix=False)
            block.data.foreach_set("co", (rest + upright(part)).astype(np.float32).ravel())
    mesh.update()
    return thing


def upright(values: Array) -> Array:
    """Centimetres with y up as Blender's metres with z up, the face looking along -y."""
    return np.asarray(values[:, [0, 2, 1]] * [1.0, -1.0, 1.0] * CM)


def _look(model: Model, face: int, eyes: dict[str, tuple[Array, Array]]) -> str:
    """The material of a face; an eye's faces are told apart by how far they lie from its axis."""
    kind = model.materials[face]
    if kind in MATERIAL_OF:
        return MATERIAL_OF[kind]
    apex, centre = eyes["Left" if kind.endswith("Left") else "Right"]
    at = model.points[model.faces[face]].mean(axis=0)
    off = float(np.hypot(*(at - apex)[:2]))
    is_front = at[2] > centre[2]
    if kind.startswith("Sclera"):
        return "Cornea" if is_front and off < IRIS_CM else "Eye White"
    if is_front and off < PUPIL_CM:
        return "Pupil"
    return "Iris" if is_front and off < IRIS_CM else "Eye White"


def _eye(model: Model, side: str) -> tuple[Array, Array]:
    """The apex of an eye's cornea, and the centre of its ball."""
    rows = _rows(model, f"Sclera{side}")
    if not len(rows):
        raise FormatError(f"this ICT-FaceKit head has no faces of the material M_Sclera{side}; download it again")
    points = model.points[rows]
    apex = points[points[:, 2] > points[:, 2].max() - APEX_CM].mean(axis=0)
    low, high = points.min(axis=0), points.max(axis=0)
    radius = (high[1] - low[1]) / 2
    return apex, np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2] + radius])


def _rows(model: Model, *kinds: str) -> ict_files.Index:
    """The vertices of the faces of some materials."""
    corners = [
        corner for face, kind in zip(model.faces, model.materials, strict=True) if kind in kinds for corner in face
    ]
    return np.unique(np.array(corners, np.intp))


def _with_eyes(model: Model, moves: dict[str, Array]) -> dict[str, Array]:
    """The same, with eyeballs that turn in the eyeLook keys; ICT's own move the lids alone."""
    out = dict(moves)
    for side in ("Left", "Right"):
        rows = _rows(model, f"Sclera{side}", f"Iris{side}")
        _, centre = _eye(model, side)
        arm = model.points[rows] - centre
        outwards = 1.0 if side == "Left" else -1.0
        turns = {"Up": (1, -1.0), "Down": (1, 1.0), "Out": (0, outwards), "In": (0, -outwards)}
        for way, (axis, sign) in turns.items():
            name = f"eyeLook{way}{side}"
            move = out.get(name, np.zeros_like(model.points)).copy()
            move[rows] = arm @ _rotation(axis, sign * TURN_RAD).T - arm
            out[name] = move
    return out


def _rotation(axis: int, angle_rad: float) -> Array:
    """About y for axis 0 (positive: to the left), about x for axis 1 (positive: down)."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    if axis == 0:
        return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def _tongue_out(model: Model, moves: dict[str, Array]) -> Array:
    """The tongue drawn out over the lower teeth and lip, which open a little: ICT's head has no such key."""
    rows = _rows(model, "GumsTongue")
    points, teeth = model.points[rows], model.points[_rows(model, "Teeth")]
    jaw = moves.get("jawForward", moves["jawOpen"])[rows]
    follows = np.linalg.norm(jaw, axis=1) > 0.5 * np.linalg.norm(jaw, axis=1).max()  # tongue and lower gum
    from_teeth = np.array([np.sqrt(((teeth - point) ** 2).sum(axis=1).min()) for point in points])
    tip = points[follows & (from_teeth > 0.2), 2].max()
    weight = (
        follows
        * _ramp(from_teeth, 0.12, 0.3)
        * _ramp(points[:, 2], tip - 3.6, tip - 0.2)
        * _ramp(points[:, 1], points[follows, 1].min() + 0.8, points[follows, 1].min() + 1.4)
    )
    out = 0.25 * moves["jawOpen"] + sum(0.8 * moves[f"mouthLowerDown{side}"] for side in ("Left", "Right"))
    out[rows] += weight[:, np.newaxis] * [0.0, 0.8, 3.2]
    return np.asarray(out)


def _ramp(x: Array, low: float, high: float) -> Array:
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def _material(name: str) -> bpy.types.Material:
    """The material of that name, made when it is first asked for."""
    found: bpy.types.Material | None = bpy.data.materials.get(name)
    if found:
        return found
    colour, rough, coat, under, alpha = LOOKS[name]
    made = bpy.data.materials.new(name)
    compat.use_nodes(made)
    shader: Any = made.node_tree.nodes["Principled BSDF"]
    values = {"Roughness": rough, "Coat Weight": coat, "Subsurface Weight": under, "Alpha": alpha}
    for socket, value in values.items():
        shader.inputs[socket].default_value = value
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    shader.inputs["Subsurface Radius"].default_value = (0.01, 0.003, 0.0015)
    made.diffuse_color = (*colour, alpha)  # type: ignore[assignment]  # the stubs ask for their own array
    made.roughness = rough
    return made
