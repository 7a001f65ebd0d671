"""Keys that are poses of several channels, such as visemes: which channels are in them, and how much of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..visemes import bounded_least_squares
from .fields import Fields
from .templates import BOTH_SIDES, Template, sided_stems

LEAST = 0.5  # share of its motion that a mix must explain
TRUST = 0.8  # the parts of a mix are right less often than a key of one channel is
SMALLEST = 0.08  # weights below it are left out
RIDGE = 0.01
PRICE, SLIGHT = 0.06, 0.05  # a price on the sum of the weights: few channels in a mix
# What a pose may be made of: channels without a side, and both sides of the others.
MIXED = frozenset(
    "jawOpen jawForward mouthFunnel mouthPucker mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper "
    "tongueOut cheekPuff browInnerUp".split()
) | {f"{stem}{BOTH_SIDES}" for stem in sided_stems() if not stem.startswith("eyeLook")}


@dataclass(frozen=True)
class Mix:
    """A key as a pose."""

    key: str
    title: str
    weights: dict[str, float]  # channel → how much of it is in the key
    confidence: float

    @property
    def is_mouth(self) -> bool:
        """Whether the key moves nothing but mouth and jaw."""
        return all(channel.startswith(("mouth", "jaw", "tongue")) for channel in self.weights)


def mixes(ours: Fields, theirs: Fields, kinds: Sequence[Template], names: Sequence[str]) -> list[Mix]:
    """The keys, (K,), that a pose of the reference's templates explains.

    Both are compared under the wide window, because a sum of channels fits only as well as its worst one lies.
    """
    columns = [column for column, kind in enumerate(kinds) if kind.title in MIXED]
    parts, wanted = theirs.coarse[columns], ours.coarse
    size = np.maximum(np.linalg.norm(parts, axis=1), 1e-12)
    length = np.maximum(np.linalg.norm(wanted, axis=1), 1e-12)
    # One more feature: SLIGHT for each unit of weight against -PRICE / SLIGHT, so that the square grows with the sum.
    unit = np.column_stack([parts / size[:, np.newaxis], np.full(len(parts), SLIGHT)])
    goal = np.column_stack([wanted / length[:, np.newaxis], np.full(len(wanted), -PRICE / SLIGHT)])
    shares = bounded_least_squares(unit, goal, RIDGE)
    explained = 1 - ((goal - shares @ unit)[:, :-1] ** 2).sum(axis=1)
    weights = shares * length[:, np.newaxis] / size
    found = []
    for key in np.flatnonzero(explained * ours.within > LEAST):
        inside = [part for part in np.argsort(-shares[key]) if weights[key, part] > SMALLEST]
        if inside:
            chosen = [kinds[columns[part]] for part in inside]
            pose = {
                channel: round(min(float(weights[key, part]), 1.0), 3)
                for part, kind in zip(inside, chosen, strict=True)
                for channel in kind.weights
            }
            title = " + ".join(kind.title.removesuffix(BOTH_SIDES) for kind in chosen)
            found.append(Mix(names[key], title, pose, TRUST * float(explained[key])))
    return found
