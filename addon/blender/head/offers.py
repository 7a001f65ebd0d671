"""The targets that a character offers, one kind at a time: what is recognised there, and what may be written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

import bpy

from ...core import rigs
from ..fcurves.targets import Owner, Part, Place, Spot, value_path
from .character import Character, key_names, keys_of
from .protection import Blocked, closed_keys, closed_path, listed

MUTED = "muted; tick it in the shape keys to animate"

NO_ROWS = rigs.CustomMap(())


@dataclass(frozen=True)
class Offer:
    """One kind of target of a character: what is recognised among its names, and what may be written."""

    kind: str
    detection: rigs.Detection
    parts: tuple[Part, ...]
    blocked: Blocked
    unseen: tuple[str, ...]
    cut: tuple[str, ...]

    @property
    def usable(self) -> rigs.Detection:
        """What of it a bake can move."""
        return self.detection.among(self.free)

    @property
    def free(self) -> tuple[str, ...]:
        """The controls that may be written, once."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.controls))


def offer(kind: str, spots: Sequence[Spot], custom: rigs.CustomMap = NO_ROWS) -> Offer:
    """What a character offers of one kind, of the places that it has, with a mapping's rows over it."""
    plain = rigs.detect([spot.place.name for spot in spots])
    detection = rigs.mapped(plain, custom)
    known = set(detection.controls)
    spots = _with_namesakes(spots, plain, known)
    named = dict.fromkeys(spot.place.name for spot in spots if spot.place.namesake)
    detection = replace(detection, namesakes=tuple(named))
    places: dict[Owner, list[Place]] = {}
    blocked: Blocked = {}
    short: dict[tuple[str, float, float], list[str]] = {}  # an object, and the range that its keys lack
    for spot in spots:
        if spot.place.control not in known:
            continue
        if spot.closed is not None:
            blocked.setdefault(spot.closed, []).append((spot.place.name, spot.owner.shown))
            continue
        places.setdefault(spot.owner, []).append(spot.place)
        low, high = detection.rig.range_of(spot.place.control)
        if spot.low > low or spot.high < high:
            short.setdefault((spot.owner.shown, low, high), []).append(spot.place.name)
    parts = tuple(Part(owner, tuple(its)) for owner, its in places.items())
    where = "the shape keys, or use Widen Ranges in Rig" if kind == "keys" else "Custom Properties"
    held = [
        f"{listed(its)} on {on}: held back; set Range to {low:g} and {high:g} in {where}"
        for (on, low, high), its in short.items()
    ]
    pinned = [] if kind != "keys" else [part.owner.shown for part in parts if _is_pinned(part.owner)]
    unseen = [f"{mesh} shows one key only; unpin it in its shape keys to see it move" for mesh in pinned]
    cut = tuple(dict.fromkeys(name for its in short.values() for name in its))
    return Offer(kind, detection, parts, blocked, (*unseen, *held), cut)


def _with_namesakes(spots: Sequence[Spot], plain: rigs.Detection, known: Set[str]) -> list[Spot]:
    """The places; one whose control is spelt otherwise than on the other meshes, which is known, says how there."""
    given: dict[Owner, list[str]] = {}
    for spot in spots:
        given.setdefault(spot.owner, []).append(spot.place.name)
    meant = {owner: plain.meant_by(rigs.detect(names)) for owner, names in given.items()}

    def named(spot: Spot) -> Spot:
        namesake = meant[spot.owner].get(spot.place.name)
        is_moved = namesake in known and spot.place.name not in known
        return replace(spot, place=replace(spot.place, namesake=namesake)) if namesake and is_moved else spot

    return [named(spot) for spot in spots]


def beside(spots: Mapping[str, Sequence[Spot]], kind: str, custom: rigs.CustomMap) -> list[Spot]:
    """The places of one kind, and those of the others that a mapping names and this kind has not."""
    own = spots[kind]
    named = {row.key for row in custom.rows} - {spot.place.name for spot in own}
    others = [spot for its in spots.values() if its is not own for spot in its]
    return [*own, *(spot for spot in others if spot.place.name in named)]


def key_spots(character: Character) -> Iterator[Spot]:
    """Every shape key of the character's meshes; a mesh that two objects show counts once."""
    seen: list[bpy.types.Key] = []
    for mesh in character.meshes:
        keys = keys_of(mesh)
        if keys in seen:
            continue
        seen.append(keys)
        owner, closed, why = Owner("shape_keys", keys.name, mesh.name), closed_keys(mesh, keys), closed_path(keys)
        for name in key_names(keys):
            block, path = keys.key_blocks[name], value_path(name)
            reason = closed or why(path, 0) or (MUTED if block.mute else None)
            yield Spot(owner, Place(name, path), reason, block.slider_min, block.slider_max)


def _is_pinned(owner: Owner) -> bool:
    return any(obj.show_only_shape_key for obj in bpy.data.objects if obj.data and keys_of(obj) == owner.block())
