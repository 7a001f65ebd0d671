"""All 52 ARKit keys of the skin, as displacements; right-hand keys are the mirror images of the left ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .form import Array
from .lid_keys import LidKeys
from .mouth_keys import BOTH, ONE_SIDE, MouthKeys
from .skin import LIDS, LIPS, Skin
from .spread import Spreader

JAW_SIDE_CM = 0.85
JAW_FORWARD_CM = 0.95


def mirrored(skin: Skin, left: Array) -> Array:
    """The right-hand key to a left-hand one."""
    return np.asarray(left[skin.mirror] * [-1, 1, 1])


def make(skin: Skin, names: Sequence[str]) -> dict[str, Array]:
    """Displacements (V, 3) for every name, in that order."""
    spreader = Spreader(skin)
    mouth, lids = MouthKeys(skin, spreader), LidKeys(skin, spreader)
    inside = (skin.is_ring(LIPS, 10, 15) | skin.is_ring(LIDS, 8, 9))[:, None]
    out: dict[str, Array] = {}
    for name in names:
        if name.endswith("Right"):
            left = out[name[:-5] + "Left"]
            out[name] = mirrored(skin, left)
            continue
        stem = name.removesuffix("Left")
        move = np.zeros_like(skin.points)
        if name in ("mouthLeft", *BOTH):
            move = mouth.both(name)
        elif name == "jawOpen":
            move = mouth.jaw_open()
        elif name == "mouthClose":
            move = mouth.mouth_close()
        elif name.startswith("mouthRoll"):
            move = mouth.roll(1 if name == "mouthRollUpper" else -1)
        elif name == "jawLeft":
            move = mouth.jaw * [JAW_SIDE_CM, 0.0, 0.0]
        elif name == "jawForward":
            move = mouth.jaw * [0.0, -JAW_FORWARD_CM, -0.1]
        elif stem in ONE_SIDE:
            move = mouth.pair(stem)
        move = move + lids.lids(stem)
        move = move + np.where(inside, 0.0, lids.push(stem, both=stem == name))
        out[name] = move
    return _symmetric(skin, out)


def _symmetric(skin: Skin, keys: dict[str, Array]) -> dict[str, Array]:
    """The same, with keys that have no side made exactly symmetric: rounding would leave a trace."""
    for name, move in keys.items():
        if not name.endswith(("Left", "Right")):
            keys[name] = (move + mirrored(skin, move)) / 2
    return keys
