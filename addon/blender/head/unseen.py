"""What is keyed and moves little or nothing: keys without a shape, bones without weights, what is hidden or edited."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Any

import bpy
import numpy as np

from ..fcurves.targets import Owner, Part, Place, Strand
from ..fcurves.values import is_custom, parted
from . import reach
from .bones import TITLES
from .character import has_shape, keys_of, moves
from .protection import listed

STILL = 0.01  # a curve that goes no further would not be seen on a key that has a shape either


def notes(parts: Sequence[Part], strands: Sequence[Strand]) -> list[str]:
    """A line to tell for each way in which what was keyed cannot be seen."""
    keyed = {(strand.owner, strand.path) for strand in strands if np.ptp(strand.values) > STILL}
    places = [(part.owner, place) for part in parts for place in part.places if (part.owner, place.path) in keyed]
    rigs = {owner for owner, path in keyed if "pose.bones" in path}
    shaped = {owner for owner, _ in keyed if owner.collection == "shape_keys"}
    turned = {(s.owner, parted(s.owner.block(), s.path)[0].name, s.name) for s in strands if _is_turned(s, keyed)}
    return [
        *_shapeless(places),
        *_unread(places),
        *_undriven(keyed),
        *_idle(turned),
        *_at_rest(rigs),
        *_edited(shaped, rigs),
        *_faint({owner for owner, _ in keyed}),
        *_shut_out({owner for owner, _ in keyed}),
    ]


def read_by_drivers() -> set[tuple[Any, str]]:
    """Every property that a driver of the file reads: its data-block and its path there."""
    return {(target.id, target.data_path) for target in reach.targets()}


def _shapeless(places: Iterable[tuple[Owner, Place]]) -> Iterator[str]:
    held: dict[str, list[tuple[Owner, Place]]] = {}
    for owner, place in places:
        if owner.collection == "shape_keys":
            held.setdefault(place.control, []).append((owner, place))
    empty = [name for name, its in held.items() if not any(moves(at.block(), place.name) for at, place in its)]
    read = read_by_drivers() if empty else set()
    empty = [name for name in empty if not any((at.block(), place.path) in read for at, place in held[name])]
    held_back = [name for name in empty if any(has_shape(at.block(), place.name) for at, place in held[name])]
    if held_back:
        why = "limited to a vertex group that has nothing of the shape, so nothing moves there"
        yield f"{listed(held_back)}: {why}; clear Vertex Group in the shape keys, or paint its weights"
    if empty := [name for name in empty if name not in held_back]:
        yield f"{listed(empty)}: no mesh has a shape for that, so nothing moves there; sculpt it, or map another key"


def _unread(places: Iterable[tuple[Owner, Place]]) -> Iterator[str]:
    own = [(owner, place) for owner, place in places if owner.collection == "objects" and is_custom(place.path)]
    if own and is_unread(own):
        on = listed(sorted({owner.shown for owner, _ in own}))
        yield f"custom properties on {on}: no driver reads them; without drivers the face stays still"


def _undriven(keyed: Iterable[tuple[Owner, str]]) -> Iterator[str]:
    count = reach.broken({(owner.block(), path) for owner, path in keyed})
    if count:
        what = f"{count} {'driver' if count == 1 else 'drivers'} that should follow what is keyed cannot be computed"
        yield f"{what}; allow Auto Run Python Scripts in the preferences, or mend them in the Drivers Editor"


def is_unread(places: Iterable[tuple[Owner, Place]]) -> bool:
    """Whether no driver of the file reads any of these custom properties."""
    return read_by_drivers().isdisjoint((owner.block(), place.path) for owner, place in places)


def _is_turned(strand: Strand, keyed: Set[tuple[Owner, str]]) -> bool:
    """Whether a strand is a bone's that turns as the Rig panel says, or that eyes look at."""
    is_bone = strand.path.startswith("pose.bones") and not is_custom(strand.path)
    return strand.name in TITLES and is_bone and (strand.owner, strand.path) in keyed


def _idle(turned: Iterable[tuple[Owner, str, str]]) -> Iterator[str]:
    for owner, bone, role in sorted(turned, key=lambda row: list(TITLES).index(row[2])):
        armature = owner.block()
        if reach.has_body(armature) and not reach.reaches(armature, bone):
            why = "no Armature modifier that is on has weights for it, and nothing follows it"
            yield f"{bone} on {owner.shown}: {why}; paint its weights, or pick another {TITLES[role]} in Rig"


def _at_rest(owners: Iterable[Owner]) -> Iterator[str]:
    rigs = {owner.shown for owner in owners if owner.block().data.pose_position == "REST"}
    if rigs:
        yield f"{listed(sorted(rigs))}: shown in Rest Position; choose Pose Position in its Data tab to see bones move"


def _edited(shaped: Iterable[Owner], rigs: Iterable[Owner]) -> Iterator[str]:
    keys, bones = ({owner.block() for owner in owners} for owners in (shaped, rigs))
    meshes = [obj for obj in bpy.data.objects if keys_of(obj) in keys]
    edited = [obj.name for obj in meshes if obj.mode == "EDIT" and not obj.use_shape_key_edit_mode]
    edited += [obj.name for obj in bones if obj.mode == "EDIT"]
    if edited:
        yield f"{listed(sorted(edited))}: in Edit Mode, which shows no keys; leave it (Tab) to see them"


def _shut_out(owners: Iterable[Owner]) -> Iterator[str]:
    here, known = bpy.context.scene.objects, bpy.context.evaluated_depsgraph_get()
    moved = {owner.shown for owner in owners if owner.shown in here}  # elsewhere, as in a script, nothing tells
    out = [name for name in moved if not here[name].evaluated_get(known).is_evaluated]
    if out:
        why = "disabled in viewports, or in a collection that is disabled or excluded"
        yield f"{listed(sorted(out))}: {why}; enable it to see it move"


def _faint(owners: Iterable[Owner]) -> Iterator[str]:
    blocks = [(owner.shown, owner.block().animation_data) for owner in owners]
    mixed = [(shown, its) for shown, its in blocks if its and its.use_nla and any(map(_counts, its.nla_tracks))]
    weak = {shown for shown, its in mixed if its.action_influence < 1}
    if weak:
        why = "the Action's influence is below 1, so keys show less than they say"
        yield f"{listed(sorted(weak))}: {why}; raise it in the NLA editor"


def _counts(track: bpy.types.NlaTrack) -> bool:
    """Whether a track makes Blender mix at all: without any that does, it plays the Action as it is."""
    return len(track.strips) > 0 and not track.mute
