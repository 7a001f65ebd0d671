"""The articulation score's other eye: the same classes measured on a head that wears the weights, in millimetres.

The head is ICT-FaceKit's generic one (USC Institute for Creative Technologies, MIT licence) as an npz: `vertices`
(V, 3) and `shape_deltas` (S, V, 3) in centimetres with Y up, `shape_names`, `faces` (F, 4) with -1 for triangles,
`face_group` (F,) and `group_names`. It sees what sums of weights cannot: how shapes add up on a face.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from addon.core.curves import Curves
from addon.core.errors import RigError, quoted

from .score import LINEAR, Measure

Floats = npt.NDArray[np.float64]

MM = 10.0  # in a centimetre
INCISORS_CM = 0.9  # either side of the middle
# Landmarks of the 68-point convention and their vertices: ICT-FaceKit, vertex_indices.json, idx_to_landmark_verts.
VERTICES = {
    48: 5708, 54: 6213,  # corners of the mouth
    51: 0, 57: 5518,  # outer edge of the upper and lower lip, in the middle
    61: 5711, 62: 5533, 63: 6216,  # inner edge of the upper lip
    67: 5966, 66: 5517, 65: 6470,  # and of the lower lip below them
}  # fmt: skip
LANDMARKS = tuple(VERTICES)
FIELDS = ("vertices", "faces", "face_group", "group_names", "shape_names", "shape_deltas")


@dataclass(frozen=True)
class Head:
    """What the score needs of a head: landmarks at rest (L, 3), shapes (S, L, 3) that move them, incisors' tip (3,)."""

    rest: Floats
    shapes: Floats
    channels: tuple[str, ...]  # the ARKit channel that drives each shape
    incisor_tip: Floats

    def landmarks(self, curves: Curves) -> Floats:
        """Where the landmarks are over time, (T, L, 3) cm."""
        weights = np.stack([curves.column(name) for name in self.channels], axis=1)
        return np.asarray(self.rest + np.einsum("ts,slk->tlk", weights.astype(np.float64), self.shapes))


def load_head(path: Path) -> Head:
    """The landmarks of a head file; what is no such file is refused, naming what it lacks."""
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [name for name in FIELDS if name not in file]
            if missing:
                raise RigError(f"{quoted(path)} has no {missing[0]}; give a head as model_training/mesh_score.py says")
            fields = {name: file[name] for name in FIELDS}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise RigError(f"cannot read the head {quoted(path)} ({error}); give an npz file") from error
    vertices = fields["vertices"].astype(np.float64)
    shapes: list[str] = fields["shape_names"].tolist()
    if "jawOpen" not in shapes or len(vertices) <= max(VERTICES.values()):
        raise RigError(f"{quoted(path)} is not ICT-FaceKit's head: its landmarks or its jawOpen are not there")
    rows = list(VERTICES.values())
    return Head(
        rest=vertices[rows],
        shapes=fields["shape_deltas"][:, rows].astype(np.float64),
        channels=tuple(arkit_channel(name) for name in shapes),
        incisor_tip=_incisor_tip(fields, vertices, shapes),
    )


def arkit_channel(shape: str) -> str:
    """ARKit's name of an ICT shape; both sides of browInnerUp and cheekPuff answer to the one channel."""
    base, side = (shape[:-2], shape[-1]) if shape.endswith(("_L", "_R")) else (shape, "")
    return base if base in ("browInnerUp", "cheekPuff") else base + {"L": "Left", "R": "Right", "": ""}[side]


def mesh_measure(head: Head) -> Measure:
    """The score's signals on this head, in mm; lips count as sealed, or at rest, where the linear measure's would."""

    def signals(curves: Curves) -> dict[str, Floats]:
        return mesh_signals(head, curves)

    wide = Curves(np.ones((1, 1), np.float32), ("jawOpen",), 1.0)
    full_mm = float(signals(wide)["gap"][0])
    return Measure("mesh", signals, sealed=LINEAR.sealed * full_mm, parted=LINEAR.parted * full_mm, unit="mm")


def mesh_signals(head: Head, curves: Curves) -> dict[str, Floats]:
    """Aperture, rounding, labiodental, spread and gap in mm, (T,) each; gap is the aperture beyond the head's rest."""
    points = head.landmarks(curves)

    def at(landmark: int) -> Floats:
        return np.asarray(points[:, LANDMARKS.index(landmark)])

    def moved(landmark: int) -> Floats:
        return np.asarray(at(landmark) - head.rest[LANDMARKS.index(landmark)])

    # Heights, not distances: lips that are pressed through each other are more closed than closed.
    aperture = np.mean([at(upper)[:, 1] - at(lower)[:, 1] for upper, lower in ((61, 67), (62, 66), (63, 65))], axis=0)
    rest_aperture = np.mean([_rest_height(head, 61, 67), _rest_height(head, 62, 66), _rest_height(head, 63, 65)])
    width = np.linalg.norm(at(48) - at(54), axis=1)
    forward = (moved(51)[:, 2] + moved(57)[:, 2]) / 2
    to_teeth = np.linalg.norm(at(66) - head.incisor_tip, axis=1)
    bared = at(62)[:, 1] - head.incisor_tip[1]
    return {
        "aperture": MM * aperture,
        "rounding": MM * (forward - width),
        "labiodental": MM * (0.5 * bared - to_teeth),
        "spread": MM * width,
        "gap": MM * (aperture - rest_aperture),
    }


def _rest_height(head: Head, upper: int, lower: int) -> float:
    return float(head.rest[LANDMARKS.index(upper), 1] - head.rest[LANDMARKS.index(lower), 1])


def _incisor_tip(fields: dict[str, npt.NDArray[np.generic]], vertices: Floats, shapes: Sequence[str]) -> Floats:
    """The lowest point, (3,), of the front teeth that stay where they are when the jaw opens."""
    groups: list[str] = fields["group_names"].tolist()
    teeth_groups = [index for index, name in enumerate(groups) if name.endswith("Teeth")]
    corners = np.unique(fields["faces"][np.isin(fields["face_group"], teeth_groups)]).astype(int)
    teeth = corners[corners >= 0]
    jaw_moves = np.abs(fields["shape_deltas"][shapes.index("jawOpen")].astype(np.float64)[teeth]).max(axis=1) > 1e-3
    upper = teeth[~jaw_moves & (np.abs(vertices[teeth, 0]) < INCISORS_CM)]
    if not len(upper):
        raise RigError("the head has no upper teeth: it needs a material group whose name ends in Teeth")
    return np.array([0.0, *vertices[upper[np.argmin(vertices[upper, 1])], 1:]])
