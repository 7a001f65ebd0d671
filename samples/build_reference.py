"""Writes the face that unknown heads are compared with: `python samples/build_reference.py FILE.toml`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from addon.core.channels import ARKIT
from addon.core.rigs.solve.reference_head import packed
from addon.core.rigs.solve.shapes import COLD, Array, Shapes, heat, sampled, vertex_areas
from samples.head import keys, parts, skin
from samples.head.parts import Part

SKIN, REST = 1000, 160  # points of the left half
MIDDLE_CM = 1e-6


def shapes(parts_of_head: list[Part], names: tuple[str, ...] = ARKIT) -> Shapes:
    """Parts of the demo head as one cloud: x to its left, y up, z ahead, centimetres."""
    points = [upright(part.points) for part in parts_of_head]
    moves = [
        np.stack([upright(part.keys[name]) if name in part.keys else np.zeros_like(at) for name in names])
        for part, at in zip(parts_of_head, points, strict=True)
    ]
    areas = [vertex_areas(at, triangles(part.faces)) for part, at in zip(parts_of_head, points, strict=True)]
    return Shapes(np.concatenate(points), np.concatenate(areas), np.concatenate(moves, axis=1), names)


def upright(values: Array) -> Array:
    """The head's modules have z up and y to the back."""
    return np.asarray(values[:, [0, 2, 1]] * [1.0, 1.0, -1.0])


def triangles(faces: list[tuple[int, ...]]) -> np.ndarray:
    """Every face as a fan."""
    return np.array([(face[0], face[k], face[k + 1]) for face in faces for k in range(1, len(face) - 1)])


def left_sample(head: Shapes, count: int) -> Shapes:
    """Points of the left half, most of them where the keys move something; those of the middle count half."""
    left = head.points[:, 0] > -MIDDLE_CM
    areas = np.where(np.abs(head.points[:, 0]) <= MIDDLE_CM, head.areas / 2, head.areas) * left
    weight = np.sqrt(areas * (COLD + heat(head)))
    return sampled(replace(head, areas=areas), weight, count)


def demo_head() -> tuple[Shapes, Shapes]:
    """The demo head's skin, and its eyes, teeth and tongue."""
    form = skin.build()
    face = Part(form.points, form.faces, np.zeros_like(form.points), keys.make(form, ARKIT))
    return shapes([face]), shapes([parts.eyes(), parts.teeth(), parts.tongue()])


def build() -> str:
    """The text of the reference file."""
    face, rest = (left_sample(head, count) for head, count in zip(demo_head(), (SKIN, REST), strict=True))
    both = Shapes(
        np.concatenate([face.points, rest.points]),
        np.concatenate([face.areas, rest.areas]),
        np.concatenate([face.moves, rest.moves], axis=1),
        face.names,
    )
    return packed(both, len(face.points))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="build_reference.py", description="Writes the face to compare with.")
    parser.add_argument("path", type=Path, metavar="FILE.toml")
    parser.parse_args().path.write_text(build(), encoding="utf-8", newline="")
