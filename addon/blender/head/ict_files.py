"""ICT-FaceKit's head as its files tell it: OBJ files of one topology, the neutral one with faces and materials."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core import channels
from ...core.archive import DAMAGE, check_packing
from ...core.errors import FormatError, quoted, reason

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]
Progress = Callable[[float], None]

INSIDE = "FaceXModel"  # where a clone keeps its OBJ files
NEUTRAL = "generic_neutral_mesh.obj"
ROUNDING_CM = 1e-4  # the files' own: six digits of some ten centimetres
MATERIAL = "M_"
NEEDED = ("jawOpen", "eyeBlink_L", "eyeBlink_R")  # without them it is another model


@dataclass(frozen=True)
class Model:
    """The head in its own axes and unit: x to its left, y up, z ahead, centimetres."""

    points: Array  # (V, 3)
    faces: list[list[int]]
    materials: list[str]  # of each face: Face, BackHead, Teeth, ...
    moves: dict[str, Array]  # ICT's name → (V, 3)


def read(source: Path, progress: Progress | None = None) -> Model:
    """The head of a clone's folder, or of an NPZ file that holds the same; a FormatError says what is wrong."""
    if source.suffix.lower() == ".npz":
        return _read_npz(source)
    folder = source / INSIDE if _is_folder(source / INSIDE) else source
    if not _is_folder(folder):
        raise FormatError(f"{quoted(source)} is no folder; give a clone of ICT-FaceKit")
    neutral = folder / NEUTRAL
    if not neutral.is_file():
        raise FormatError(f"{quoted(source)} has no {INSIDE}/{NEUTRAL}; give a clone of ICT-FaceKit")
    points, faces, materials = _read_mesh(neutral)
    files = [path for path in sorted(folder.glob("[!.]*.obj")) if path.name != NEUTRAL and not _is_identity(path)]
    moves = {}
    for number, path in enumerate(files):
        moves[path.stem] = _stilled(_read_points(path, len(points)) - points)
        if progress:
            progress((number + 1) / len(files))
    return _checked(source, Model(points, faces, materials, moves))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # such as a name too long for any disk
        return False


def _checked(source: Path, model: Model) -> Model:
    missing = [name for name in NEEDED if name not in model.moves]
    if missing:
        raise FormatError(f"{quoted(source)} has no {missing[0]}.obj; it is no complete clone of ICT-FaceKit")
    return model


def _is_identity(path: Path) -> bool:
    """Whether it is one of the hundred shapes of people, which are no expressions."""
    return path.stem.startswith("identity")


def _stilled(move: Array) -> Array:
    return np.where(np.abs(move) < ROUNDING_CM, 0.0, move)


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines()
    except OSError as error:
        raise FormatError(f"{quoted(path)} cannot be read: {reason(error)}") from error


def _read_points(path: Path, count: int | None = None) -> Array:
    rows = [line[2:] for line in _lines(path) if line.startswith(b"v ")]
    try:
        points = np.array(b" ".join(rows).split(), np.float64).reshape(len(rows), -1)[:, :3]
    except ValueError as error:
        raise FormatError(f"{quoted(path)} has a vertex that is no three numbers; download it again") from error
    if points.shape[1:] != (3,) or not np.isfinite(points).all():
        raise FormatError(f"{quoted(path)} has a vertex that is no three numbers; download it again")
    if count is not None and len(points) != count:
        raise FormatError(f"{quoted(path)} has {len(points)} vertices, the neutral head {count}; download it again")
    return points


def _read_mesh(path: Path) -> tuple[Array, list[list[int]], list[str]]:
    points = _read_points(path)
    faces, materials, material = [], [], ""
    for line in _lines(path):
        if line.startswith(b"usemtl "):
            material = line[7:].decode("utf-8", "replace").strip().removeprefix(MATERIAL)
        elif line.startswith(b"f "):
            faces.append(_corners(path, line, len(points)))
            materials.append(material)
    if not faces:
        raise FormatError(f"{quoted(path)} has no faces; download it again")
    return points, faces, materials


def _corners(path: Path, line: bytes, count: int) -> list[int]:
    try:
        corners = [int(corner.split(b"/")[0]) - 1 for corner in line[2:].split()]
    except ValueError as error:
        raise FormatError(f"{quoted(path)} has a face that cannot be read; download it again") from error
    if len(corners) < 3 or min(corners) < 0 or max(corners) >= count:
        raise FormatError(f"{quoted(path)} has a face of vertices that are not there; download it again")
    return corners


def _read_npz(path: Path) -> Model:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            check_packing(data)
            held: dict[str, Any] = {name: data[name] for name in data.files}
        points = held["vertices"].astype(np.float64)
        faces = [[int(corner) for corner in face if corner >= 0] for face in held["faces"]]
        groups = [str(name).removeprefix("usemtl ").removeprefix(MATERIAL) for name in held["group_names"]]
        materials = [groups[group] for group in held["face_group"]]
        moves = {
            str(name): _stilled(move.astype(np.float64))
            for name, move in zip(held["shape_names"], held["shape_deltas"], strict=True)
        }
        model = Model(points, faces, materials, moves)
        if not _fits(model):
            raise ValueError("its parts do not belong together")
    except (KeyError, *DAMAGE) as error:
        raise FormatError(f"{quoted(path)} is no ICT-FaceKit head; give a clone's folder") from error
    return _checked(path, model)


def _fits(model: Model) -> bool:
    """Whether every move has all points, and every face a material and corners that are points."""
    count, arrays = len(model.points), (model.points, *model.moves.values())
    return (
        all(array.shape == (count, 3) and np.isfinite(array).all() for array in arrays)
        and len(model.materials) == len(model.faces)
        and all(len(face) >= 3 and max(face) < count for face in model.faces)
    )


def arkit_moves(model: Model) -> dict[str, Array]:
    """Displacements under ARKit's names, halves of a channel that has no side added up; the others keep their names."""
    moves: dict[str, Array] = {}
    for name, move in model.moves.items():
        stem, side = (name[:-2], name[-2:]) if name.endswith(("_L", "_R")) else (name, "")
        whole = stem + {"_L": "Left", "_R": "Right", "": ""}[side]
        known = whole if whole in channels.ARKIT else stem if stem in channels.ARKIT else name
        moves[known] = moves[known] + move if known in moves else move
    return moves
