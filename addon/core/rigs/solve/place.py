"""Lays a head of unknown unit and orientation upon the reference: x to its left, y up, z ahead, centimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .mirror import mirror_plane
from .shapes import Array, Shapes, Traits, traits

PLACE_CM = 1.4  # keys whose centres lie further apart than this are hardly the same
HEATS = 24  # placements that are tried on all keys
FINALISTS = 6  # of which so many are worth a closer look
ROUNDS = 6
CROWD = 0.25  # what the second key counts that resembles a key of the reference
FEW = 24  # keys that a placement is tried on first
UPRIGHT = 1.05  # most heads are built along the axes, so such a placement may fit a little worse
NEARLY_DEG = 25.0  # from an axis, to try it along it
MOST_SIZE = 1.2  # a key that moves e to this times as far, or as little, is another


@dataclass(frozen=True)
class Placement:
    """A similarity: turn, then scale, then shift."""

    turn: Array  # (3, 3)
    scale: float
    shift: Array  # (3,)
    is_upright: bool = False  # the head looks along one of its own axes

    def of(self, found: Traits) -> Traits:
        """The traits as seen from here."""
        return Traits(
            found.centre @ self.turn.T * self.scale + self.shift,
            found.spread * self.scale,
            found.drift @ self.turn.T,
            found.reach * self.scale,
        )


def placements(shapes: Shapes, known: Traits) -> list[Placement]:
    """The likeliest ways to lay the head on the reference, best first.

    Its plane of symmetry leaves a turn about the left-right axis, a size and two shifts. One key taken for one of the
    reference's says all of them: every such pair is tried, and what lays most keys on those of the reference is kept.
    """
    found = traits(shapes)
    normal, offset = mirror_plane(shapes, found)
    few = _some(found)
    tried = []
    for side in (normal, -normal):
        tried += _hypotheses(few, known, _facing(side), offset if side is normal else -offset)
    tried.sort(key=lambda row: -row[0])
    best: list[tuple[float, Placement]] = []
    for _, guess in tried[:HEATS]:
        settled = _settled(found, known, guess)
        if all(_differ(settled[1], other) for _, other in best):
            best.append(settled)
    best += [(score * UPRIGHT, squared) for score, place in best if (squared := _squared(place, found))]
    best.sort(key=lambda row: -row[0])
    return [placement for _, placement in best[:FINALISTS]]


def likeness(found: Traits, known: Traits) -> Array:
    """How alike keys (K) and the reference's (R) are in their traits, (K, R), 0 to 1."""
    doubt = _apart(found.centre, known.centre) / PLACE_CM**2 + _apart(found.drift, known.drift) / 0.6**2
    doubt += (np.log(found.spread)[:, None] - np.log(known.spread)) ** 2 / 0.6**2
    doubt += (np.log(np.maximum(found.reach, 1e-9))[:, None] - np.log(known.reach)) ** 2
    return np.asarray(np.exp(-0.5 * doubt))


def _apart(a: Array, b: Array) -> Array:
    """Squared distances (K, R)."""
    return np.asarray((a**2).sum(axis=1)[:, None] - 2 * a @ b.T + (b**2).sum(axis=1))


def _facing(normal: Array) -> Array:
    """A rotation (3, 3) that brings the normal to x."""
    other = np.eye(3)[int(np.abs(normal).argmin())]
    up = np.cross(normal, other)
    up /= np.linalg.norm(up)
    return np.stack([normal, up, np.cross(normal, up)])


def _some(found: Traits) -> Traits:
    """A few keys: half of them lie far from one another, half where most keys lie, since some may be no face's."""
    middle = np.median(found.centre, axis=0)
    picked = list(np.argsort(np.linalg.norm(found.centre - middle, axis=1))[: 3 * FEW // 2 : 3])
    away = np.min([np.linalg.norm(found.centre - found.centre[key], axis=1) for key in picked], axis=0)
    while len(picked) < min(FEW, len(away)):
        away[picked] = -1
        picked.append(int(away.argmax()))
        away = np.minimum(away, np.linalg.norm(found.centre - found.centre[picked[-1]], axis=1))
    return Traits(found.centre[picked], found.spread[picked], found.drift[picked], found.reach[picked])


def _hypotheses(found: Traits, known: Traits, base: Array, offset: float) -> list[tuple[float, Placement]]:
    """One placement for each pair of a key and a key of the reference, with how well all keys then lie."""
    centre, drift = found.centre @ base.T, found.drift @ base.T
    out = []
    firm = np.hypot(drift[:, 1], drift[:, 2]) > 0.3
    firm_known = np.hypot(known.drift[:, 1], known.drift[:, 2]) > 0.3
    for key in np.flatnonzero(firm):
        for other in np.flatnonzero(firm_known):
            scale = float(known.spread[other] / found.spread[key])
            if abs(np.log(found.reach[key] * scale / known.reach[other])) > MOST_SIZE:
                continue
            if abs(abs(centre[key, 0] - offset) * scale - abs(known.centre[other, 0])) > PLACE_CM:
                continue
            angle = np.arctan2(known.drift[other, 2], known.drift[other, 1]) - np.arctan2(drift[key, 2], drift[key, 1])
            turn = _about_x(float(angle)) @ base
            shift = known.centre[other] - scale * (turn @ found.centre[key])
            shift[0] = -offset * scale
            placement = Placement(turn, scale, shift)
            out.append((_score(found, known, placement), placement))
    return out


def _score(found: Traits, known: Traits, placement: Placement) -> float:
    """How well all keys lie; those that resemble the same one count little, or a head would shrink into the mouth."""
    alike = likeness(placement.of(found), known)
    likest = alike.argmax(axis=1)
    best = alike[np.arange(len(alike)), likest]
    first = np.zeros(alike.shape[1])
    np.maximum.at(first, likest, best)
    return float(((1 - CROWD) * first.sum() + CROWD * best.sum()) / len(best))


def _about_x(angle_rad: float) -> Array:
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def _settled(found: Traits, known: Traits, placement: Placement) -> tuple[float, Placement]:
    """The placement after its keys have been drawn to those that they resemble most, and how well they lie then."""
    best = _score(found, known, placement), placement
    for _ in range(ROUNDS):
        here = placement.of(found)
        alike = likeness(here, known)
        likest = alike.argmax(axis=1)
        weight = alike[np.arange(len(alike)), likest]
        if np.count_nonzero(weight > 0.05) < 3:
            break
        placement = _fitted(placement, here, known.centre[likest], weight)
        score = _score(found, known, placement)
        if score > best[0]:
            best = score, placement
    return best


def _fitted(placement: Placement, here: Traits, there: Array, weight: Array) -> Placement:
    """The placement corrected so that centres go where they should: a size, a turn about x, and shifts in y and z."""
    share = weight / weight.sum()
    mine, goal = share @ here.centre, share @ there
    a, b = here.centre - mine, there - goal
    a[:, 0], b[:, 0] = here.centre[:, 0], there[:, 0]
    dot, cross = share @ (a[:, 1] * b[:, 1] + a[:, 2] * b[:, 2]), share @ (a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1])
    turn = _about_x(float(np.arctan2(cross, dot)))
    turned = a @ turn.T
    size = float(np.clip((share * (turned * b).sum(axis=1).T).sum() / max((share @ a**2).sum(), 1e-12), 0.7, 1.4))
    shift = goal - size * (turn @ mine)
    shift[0] = 0.0
    return Placement(turn @ placement.turn, size * placement.scale, size * (turn @ placement.shift) + shift)


def _squared(place: Placement, found: Traits) -> Placement | None:
    """The placement turned to the nearest axes about the middle of all keys, if they are near."""
    nearest = np.rint(place.turn)
    lean = np.degrees(np.arccos(np.clip((np.trace(nearest.T @ place.turn) - 1) / 2, -1, 1)))
    if lean > NEARLY_DEG or not np.array_equal(nearest @ nearest.T, np.eye(3)):
        return None
    middle = found.centre.mean(axis=0)
    shift = place.shift + place.scale * ((place.turn - nearest) @ middle)
    return Placement(nearest, place.scale, shift, is_upright=True)


def _differ(one: Placement, other: Placement) -> bool:
    turn = np.degrees(np.arccos(np.clip((np.trace(one.turn.T @ other.turn) - 1) / 2, -1, 1)))
    return bool(
        turn > 5 or abs(np.log(one.scale / other.scale)) > 0.05 or np.linalg.norm(one.shift - other.shift) > 0.5
    )
