"""The face that unknown heads are compared with: a sample of the demo head, and what its 52 keys do there."""

from __future__ import annotations

import base64
import tomllib
import zlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from .shapes import Array, Shapes

FILE = "reference.toml"
POINT_CM = 1e-3  # positions are whole multiples of it
STEPS = 127  # a displacement is a whole number of these to the key's largest
COLUMNS = 110


@dataclass(frozen=True)
class Reference:
    """A head in centimetres, x to its left, y up, z ahead; the first `skin` points of either half are its skin."""

    whole: Shapes
    skin: Shapes


def packed(left: Shapes, skin: int) -> str:
    """The file's text for the left half of a symmetric head, x >= 0, whose first `skin` points are skin.

    The right half is its mirror image, so the left half's own right-hand keys say what is missing.
    """
    largest = np.maximum(np.abs(left.moves).max(axis=(1, 2)), 1e-9)
    steps = np.rint(left.moves / largest[:, None, None] * STEPS).astype(np.int8)
    lines = [
        "# Where the demo head's keys move its left half: written by samples/build_reference.py.",
        f"names = {list(left.names)}".replace("'", '"'),
        f"points = {len(left.points)}",
        f"skin = {skin}",
        f"largest_cm = {[round(float(value), 5) for value in largest]}",
        f'position = """\n{_text(np.rint(left.points / POINT_CM).astype("<i2"))}"""',
        f'area = """\n{_text(left.areas.astype("<f2"))}"""',
        f'moves = """\n{_text(steps)}"""',
    ]
    return "\n".join(lines) + "\n"


@cache
def reference() -> Reference:
    """The shipped reference."""
    return unpacked((resources.files(__package__) / FILE).read_text(encoding="utf-8"))


def unpacked(text: str) -> Reference:
    """Both halves of the head that `packed` wrote."""
    table = tomllib.loads(text)
    count, names = table["points"], tuple(table["names"])
    points = _array(table["position"], "<i2").reshape(count, 3) * POINT_CM
    areas = _array(table["area"], "<f2")
    steps = _array(table["moves"], "i1").reshape(len(names), count, 3)
    left = Shapes(points, areas, steps / STEPS * np.array(table["largest_cm"])[:, None, None], names)
    skin = np.tile(np.arange(count) < table["skin"], 2)
    whole = _with_right_half(left)
    return Reference(whole, whole.chosen(np.flatnonzero(skin)))


def _with_right_half(left: Shapes) -> Shapes:
    flip = np.array([-1.0, 1.0, 1.0])
    twin = [left.names.index(_other_side(name)) for name in left.names]
    return Shapes(
        np.concatenate([left.points, left.points * flip]),
        np.concatenate([left.areas, left.areas]),
        np.concatenate([left.moves, left.moves[twin] * flip], axis=1),
        left.names,
    )


def _other_side(name: str) -> str:
    for side, other in (("Left", "Right"), ("Right", "Left")):
        if name.endswith(side):
            return name.removesuffix(side) + other
    return name


def _text(values: np.ndarray) -> str:  # type: ignore[type-arg]  # of any type
    whole = base64.b64encode(zlib.compress(values.tobytes(), 9)).decode("ascii")
    return "".join(f"{whole[at : at + COLUMNS]}\n" for at in range(0, len(whole), COLUMNS))


def _array(text: str, kind: str) -> Array:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), kind).astype(np.float64)
