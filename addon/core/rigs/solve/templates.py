"""What keys are compared with: the reference's 52 channels, and what heads make of them with sides joined or split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import channels
from .shapes import Array, Shapes

BOTH_SIDES = ", both sides"
BLEND_CM = 0.9  # a split key fades out over this much to either side of the middle
SPLIT = ("browInnerUp", "cheekPuff", "mouthFunnel", "mouthPucker", "mouthRollLower", "mouthRollUpper")


@dataclass(frozen=True)
class Template:
    """A key that a head may have: what it would be set to, and the wording for a list."""

    title: str
    weights: dict[str, float]  # channel → weight
    is_whole: bool  # one channel, one key


def templates() -> tuple[Template, ...]:
    """The 52 channels; both sides of a pair in one key; each half of a channel that has no side."""
    whole = [Template(name, {name: 1.0}, True) for name in channels.ARKIT]
    pairs = [
        Template(f"{stem}{BOTH_SIDES}", {f"{stem}Left": 0.5, f"{stem}Right": 0.5}, False) for stem in sided_stems()
    ]
    halves = [Template(f"{name}, {side} half", {name: 1.0}, False) for name in SPLIT for side in ("left", "right")]
    return (*whole, *pairs, *halves)


def sided_stems() -> tuple[str, ...]:
    """Names of the channels that have a left and a right key for the two halves of the face."""
    lone = ("jaw", "mouth")  # jawLeft is no left half of jaw
    stems = [name.removesuffix("Left") for name in channels.ARKIT if name.endswith("Left")]
    return tuple(stem for stem in stems if stem not in lone)


def shown(reference: Shapes) -> Shapes:
    """The reference with a move for every template, in their order; x is to its left."""
    own = dict(zip(reference.names, reference.moves, strict=True))
    left = half(reference.points[:, 0])
    moves: list[Array] = []
    for template in templates():
        if template.is_whole:
            moves.append(own[template.title])
        elif len(template.weights) > 1:
            moves.append(sum(own[name] for name in template.weights))
        else:
            share = left if template.title.endswith("left half") else 1 - left
            moves.append(own[next(iter(template.weights))] * share[:, np.newaxis])
    return Shapes(reference.points, reference.areas, np.stack(moves), tuple(t.title for t in templates()))


def half(x: Array) -> Array:
    """1 on the left, 0 on the right, smooth between."""
    t = np.clip((x + BLEND_CM) / (2 * BLEND_CM), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))
