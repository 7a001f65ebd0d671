"""A head in the scene: which meshes belong to one character, and which of their keys may be written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import bpy

from ..core import rigs
from ..core.curves import Curves
from ..core.errors import RigError, quoted
from . import compat
from .targets import VISEMES, Owner, Strand, group_of, value_path

SHOWN = 4  # names that a note lists before it says how many more there are
FACE_CHANNELS = 14  # a mesh that shows more is a face, not its teeth or lashes; faces with visemes alone show 15 to 23


@dataclass(frozen=True)
class Part:
    """A shape-key data-block that can be animated, by name: references do not survive an undo."""

    mesh: str  # the object that shows it
    block: str  # its name in bpy.data.shape_keys
    controls: tuple[str, ...]  # the keys that may be written

    @property
    def owner(self) -> Owner:
        """The data-block that the keys' Action belongs to."""
        return Owner("shape_keys", self.block, self.mesh)


@dataclass(frozen=True)
class Head:
    """What a bake can move on one character, and what it has to leave alone."""

    parts: tuple[Part, ...]
    detection: rigs.Detection
    notes: tuple[str, ...]

    @property
    def controls(self) -> tuple[str, ...]:
        """Every key that may be written, once."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.controls))

    def strands(self, curves: Curves) -> list[Strand]:
        """What the channels' curves, one row a frame, come to on this head: a strand for each F-curve to write."""
        if self.detection.rig is None:
            return []
        controls = self.detection.rig.controls(curves, self.controls)
        groups = self._groups()
        return [
            Strand(part.owner, value_path(name), 0, groups[name], name, controls.column(name))
            for part in self.parts
            for name in part.controls
        ]

    def _groups(self) -> dict[str, str]:
        """Key → the Graph Editor's group: that of the channel which the key shows most."""
        rig = self.detection.rig
        if rig is None:
            return {}
        groups: dict[str, str] = {}
        for control, keys in rig.written(self.detection.found, self.controls).items():
            parts = rig.parts(control)
            strongest = max(parts, key=lambda channel: abs(parts[channel]))
            groups |= dict.fromkeys(keys, VISEMES if control in rig.visemes else group_of(strongest))
        return groups


def examine(scene: bpy.types.Scene, chosen: bpy.types.Object | None) -> Head:
    """What a bake on this character would move; a RigError with the reason and the remedy if that is nothing."""
    chosen, meshes = _chosen(chosen), meshes_of(scene, chosen)
    detection = _detected(chosen, meshes)
    known = set(detection.controls)
    parts: list[Part] = []
    seen: list[bpy.types.Key] = []
    blocked: dict[str, list[tuple[str, str]]] = {}  # reason → keys and the meshes that have them
    unseen: list[str] = []  # what is written and yet would not show, or not whole
    for mesh in meshes:
        keys = _keys_of(mesh)
        if keys is None or keys in seen:
            continue  # two objects that show the same mesh
        seen.append(keys)
        free = _free_controls(mesh, keys, known, blocked)
        if free:
            parts.append(Part(mesh.name, keys.name, free))
        if free and mesh.show_only_shape_key:
            unseen.append(f"{mesh.name} shows one key only; unpin it in its shape keys to see it move")
        if short := [name for name in free if not _reaches(keys.key_blocks[name], detection.rig.span)]:
            low, high = detection.rig.span
            unseen.append(
                f"{_listed(short)} on {mesh.name}: held back; set Range to {low:g} and {high:g} in the shape keys"
            )
    notes = tuple(_told(reason, keys) for reason, keys in blocked.items())
    if not parts:
        raise RigError(f"{quoted(chosen.name)} would not move: " + "; ".join(notes))
    written = [name for part in parts for name in part.controls]
    return Head(tuple(parts), detection.among(written), (*notes, *unseen))


def meshes_of(scene: bpy.types.Scene, chosen: bpy.types.Object | None) -> list[bpy.types.Object]:
    """The character's meshes that have shape keys: same armature, else same parent, else same collection."""
    chosen = _chosen(chosen)
    if chosen.instance_collection is not None:
        is_linked = chosen.instance_collection.library is not None
        remedy = "Object > Library Override > Make" if is_linked else "Object > Apply > Make Instances Real"
        raise RigError(f"{quoted(chosen.name)} is an instance of a collection and has no keys of its own; use {remedy}")
    keyed = [o for o in scene.objects if _keys_of(o)]
    armature = chosen if chosen.type == "ARMATURE" else chosen.find_armature()
    top = _ancestors(chosen)[-1]
    if armature is not None:
        meshes = [o for o in keyed if o.find_armature() == armature or armature in _ancestors(o)]
    elif top.children:
        meshes = [o for o in keyed if _ancestors(o)[-1] == top]
    else:
        meshes = [o for o in keyed if o == chosen or _goes_with(o, chosen, scene)]
    if not meshes:
        raise RigError(f"{quoted(chosen.name)} has no shape keys; select a face that has them")
    return meshes


def _chosen(head: bpy.types.Object | None) -> bpy.types.Object:
    if head is None:
        raise RigError("no head is chosen; select the character's face")
    return head


def _keys_of(obj: bpy.types.Object) -> bpy.types.Key | None:
    return obj.data.shape_keys if isinstance(obj.data, bpy.types.Mesh) else None


def _names(keys: bpy.types.Key) -> list[str]:
    """The keys that deform; the one that the others start from (Basis) is none of them."""
    return [block.name for block in keys.key_blocks if block != keys.reference_key]


def _reaches(key: bpy.types.ShapeKey, span: tuple[float, float]) -> bool:
    """Whether the key takes every value that a bake may give it; Blender cuts off the others."""
    return key.slider_min <= span[0] and key.slider_max >= span[1]


def _ancestors(obj: bpy.types.Object) -> list[bpy.types.Object]:
    """The object itself, its parent, and so on to the top."""
    chain = [obj]
    while chain[-1].parent is not None:
        chain.append(chain[-1].parent)
    return chain


def _goes_with(obj: bpy.types.Object, chosen: bpy.types.Object, scene: bpy.types.Scene) -> bool:
    """Whether two loose meshes share a collection of their own; two whole faces never are one character."""
    shared = set(obj.users_collection) & set(chosen.users_collection) - {scene.collection}
    return bool(shared) and obj.parent is None and not (_is_face(obj) and _is_face(chosen))


def _is_face(obj: bpy.types.Object) -> bool:
    keys = _keys_of(obj)
    return keys is not None and len(rigs.detect(_names(keys)).keys) > FACE_CHANNELS


def _detected(chosen: bpy.types.Object, meshes: Iterable[bpy.types.Object]) -> rigs.Detection:
    blocks = [keys for mesh in meshes if (keys := _keys_of(mesh))]
    detection = rigs.detect(list(dict.fromkeys(name for keys in blocks for name in _names(keys))))
    if not detection.keys:
        reason = " ".join(detection.explain().split())  # messages are one line
        raise RigError(f"{quoted(chosen.name)} would not move: {reason}")
    return detection


def _free_controls(
    mesh: bpy.types.Object, keys: bpy.types.Key, known: set[str], blocked: dict[str, list[tuple[str, str]]]
) -> tuple[str, ...]:
    """The mesh's known keys that may be written; the others are added to `blocked` under the reason."""
    names = [name for name in _names(keys) if name in known]
    whole = _refusal(mesh, keys)
    driven, held = _driven(keys), _held(keys)
    free = []
    for name in names:
        path = value_path(name)
        reason = whole
        if path in driven:
            reason = "moved by drivers; remove the drivers to animate"
        elif path in held:
            reason = "locked or muted in the Graph Editor, so left as it is"
        elif keys.key_blocks[name].mute:
            reason = "muted; tick it in the shape keys to animate"
        if reason is None:
            free.append(name)
        else:
            blocked.setdefault(reason, []).append((name, mesh.name))
    return tuple(free)


def _refusal(mesh: bpy.types.Object, keys: bpy.types.Key) -> str | None:
    if not keys.is_editable:
        library = keys.library or mesh.library
        source = f" from {quoted(bpy.path.basename(library.filepath))}" if library else ""
        make = "" if mesh.override_library else "Object > Library Override > Make, then "
        return (
            f"linked{source}; override them: {make}Shift-click the chain beside the mesh of {mesh.name} in its Data tab"
        )
    if keys.animation_data and (reason := _unheard(keys.animation_data)):
        return reason
    if not keys.use_relative:
        return "absolute; tick Relative in the shape keys"
    return None


def _unheard(animation: bpy.types.AnimData) -> str | None:
    """Why an Action of its own would not be seen."""
    if animation.use_tweak_mode:
        return "in an NLA strip that is being tweaked; leave tweak mode (Tab in the NLA editor)"
    if not animation.use_nla or not len(animation.nla_tracks):
        return None
    if any(track.is_solo for track in animation.nla_tracks):
        return "held by an NLA track that plays alone; untick its star in the NLA editor"
    if animation.action_influence == 0:
        return "without influence; raise the Action's influence in the NLA editor"
    return None


def _driven(keys: bpy.types.Key) -> set[str]:
    drivers = keys.animation_data.drivers if keys.animation_data else ()
    return {curve.data_path for curve in drivers if not curve.mute}


def _held(keys: bpy.types.Key) -> set[str]:
    """Paths whose curve an animator has locked or muted."""
    action = keys.animation_data.action if keys.animation_data else None
    curves = compat.curves_of(action, keys) if action else []
    return {curve.data_path for curve in curves if curve.lock or curve.mute or (curve.group and curve.group.lock)}


def _told(reason: str, keys: list[tuple[str, str]]) -> str:
    """One line on what is left alone, where, and why."""
    names, meshes = (list(dict.fromkeys(column)) for column in zip(*keys, strict=True))
    return f"{_listed(names)} on {_listed(meshes)}: {reason}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
