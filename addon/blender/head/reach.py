"""Whether anything goes along when a bone turns: points with weights, objects, and what drivers make of it."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any

import bpy

from ..fcurves.targets import bone_path
from .character import armature_of, pose_bones

DRIVEN = ("armatures", "lattices", "lights", "materials", "meshes", "node_groups", "objects", "shape_keys")
Bone = tuple[Any, str]  # the armature object and the bone's name


def has_body(armature: bpy.types.Object) -> bool:
    """Whether there is a mesh that the armature could move; one alone is animated for what comes later."""
    return any(obj.type == "MESH" and armature_of(obj) == armature for obj in bpy.data.objects)


def reaches(armature: bpy.types.Object, bone: str) -> bool:
    """Whether a bone moves any point, object or driver, by itself or through bones that follow it."""
    bones = _followers((armature, bone))
    if any(_is_carried(obj, bones) for obj in bpy.data.objects) or any(_reads(target, bones) for target in targets()):
        return True
    return any(_is_bent(obj, by, bones) for obj in bpy.data.objects for by in _benders(obj))


def targets() -> Iterator[Any]:
    """What the drivers of the file that are not muted read, variable by variable."""
    return (target for driver in _drivers() for target in _read_by(driver))


def broken(places: Set[tuple[Any, str]]) -> int:
    """How many drivers read one of these properties, by data-block and path, and Blender has given up on them."""
    failed = (driver for driver in _drivers() if not driver.is_valid)
    return sum(any((target.id, target.data_path) in places for target in _read_by(driver)) for driver in failed)


def _drivers() -> Iterator[Any]:
    blocks = [block for kind in DRIVEN for block in getattr(bpy.data, kind)]
    blocks += [tree for block in blocks if (tree := getattr(block, "node_tree", None))]
    curves = (curve for block in blocks if block.animation_data for curve in block.animation_data.drivers)
    return (curve.driver for curve in curves if not curve.mute)


def _read_by(driver: Any) -> Iterator[Any]:
    return (target for variable in driver.variables for target in variable.targets)


def _followers(first: Bone) -> set[Bone]:
    """A bone, those under it, and those of any armature that constraints bind to one of these."""
    led: dict[Bone, list[Bone]] = {}
    for armature in bpy.data.objects:
        for name, bone in pose_bones(armature).items():
            leaders = _aims(bone.constraints)
            leaders += [(armature, bone.parent.name)] if bone.parent else []
            for leader in leaders:
                led.setdefault(leader, []).append((armature, name))
    seen, waiting = {first}, [first]
    while waiting:
        new = set(led.get(waiting.pop(), ())) - seen
        seen |= new
        waiting += new
    return seen


def _aims(constraints: Any) -> list[Bone]:
    """The bones that constraints look to."""
    at = [constraint for constraint in constraints if not constraint.mute]
    at += [target for constraint in at for target in getattr(constraint, "targets", ())]
    return [(it.target, it.subtarget) for it in at if getattr(it, "target", None) and getattr(it, "subtarget", "")]


def _is_carried(obj: bpy.types.Object, bones: set[Bone]) -> bool:
    """Whether an object hangs on one of the bones, as its child or by constraints, or has points that do."""
    hooks = ((getattr(modifier, "object", None), getattr(modifier, "subtarget", "")) for modifier in obj.modifiers)
    is_child = obj.parent_type == "BONE" and (obj.parent, obj.parent_bone) in bones
    return is_child or not bones.isdisjoint((*_aims(obj.constraints), *hooks))


def _reads(target: Any, bones: set[Bone]) -> bool:
    """Whether a driver's variable reads one of the bones."""
    named = (bone_path(name, ".") for at, name in bones if at == target.id)  # its custom properties do not turn
    return (target.id, target.bone_target) in bones or any(target.data_path.startswith(path) for path in named)


def _benders(obj: bpy.types.Object) -> Iterator[tuple[Any, bool]]:
    """The armatures that bend an object's points, and whether by envelopes, which need no weights."""
    modifiers: Any = obj.modifiers
    for modifier in modifiers:
        is_on = modifier.type == "ARMATURE" and (modifier.show_viewport or modifier.show_render)
        if is_on and modifier.object and (modifier.use_vertex_groups or modifier.use_bone_envelopes):
            yield modifier.object, modifier.use_bone_envelopes
    if obj.parent_type == "ARMATURE":
        yield obj.parent, True


def _is_bent(obj: bpy.types.Object, by: tuple[Any, bool], bones: set[Bone]) -> bool:
    """Whether an armature moves points of an object by one of the bones; only of meshes that is looked up."""
    armature, has_envelopes = by
    names = {name for at, name in bones if at == armature and armature.data.bones[name].use_deform}
    if not names or has_envelopes or not isinstance(obj.data, bpy.types.Mesh):
        return bool(names)
    groups = {group.index for group in obj.vertex_groups if group.name in names}
    held = (vertex.groups for vertex in obj.data.vertices) if groups else ()
    return any(weight.group in groups and weight.weight > 0 for weights in held for weight in weights)
