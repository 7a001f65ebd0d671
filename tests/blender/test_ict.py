"""A Blender head from ICT-FaceKit's files: a small model of the same layout, and the real one where it is at hand."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest

from addon import cli
from addon.blender.head import ict, ict_files, rig
from addon.blender.head.ict_files import Model
from addon.core import channels
from addon.core.errors import FormatError

ICT = Path(__file__).parents[3] / "shared/characters/ict_head.npz"
needs_ict = pytest.mark.skipif(not ICT.is_file(), reason="ICT-FaceKit's head is not at hand")
SIDED = [name for name in channels.ARKIT if name.endswith("Left") and name not in ("jawLeft", "mouthLeft")]
EXPRESSIONS = [name for name in channels.ARKIT if not name.endswith(("Left", "Right")) and name != "tongueOut"]
EXPRESSIONS += ["jawLeft", "jawRight", "mouthLeft", "mouthRight"]


def ball(centre: tuple[float, float, float], radius: float) -> tuple[np.ndarray, list[list[int]]]:
    """A coarse sphere: points and quads."""
    up, around = np.meshgrid(np.linspace(0, np.pi, 7), np.linspace(0, 2 * np.pi, 9)[:-1], indexing="ij")
    points = np.stack([np.sin(up) * np.cos(around), np.sin(up) * np.sin(around), np.cos(up)], -1).reshape(-1, 3)
    faces = [
        [r * 8 + c, r * 8 + (c + 1) % 8, (r + 1) * 8 + (c + 1) % 8, (r + 1) * 8 + c] for r in range(6) for c in range(8)
    ]
    return points * radius + centre, faces


PARTS = {
    "M_Face": ball((0, 0, 5), 8),
    "M_ScleraLeft": ball((3.2, 3.6, 8), 1.5),
    "M_IrisLeft": ball((3.2, 3.6, 8), 1.4),
    "M_ScleraRight": ball((-3.2, 3.6, 8), 1.5),
    "M_IrisRight": ball((-3.2, 3.6, 8), 1.4),
    "M_GumsTongue": ball((0, -4, 8), 2),
    "M_Teeth": ball((0, -3.5, 10), 0.8),
    "M_EyeOcclusion": ball((0, 3, 10), 0.5),
}
POINTS = np.concatenate([points for points, _ in PARTS.values()])


def write_obj(path: Path, points: np.ndarray, with_faces: bool = False) -> None:
    lines = ["mtllib ICTFaceModelMaterial.mtl", *(f"v {x:.6g} {y:.6g} {z:.6g}" for x, y, z in points)]
    start = 1
    for material, (own, faces) in PARTS.items() if with_faces else ():
        lines.append(f"usemtl {material}")
        lines += ["f " + " ".join(f"{start + corner}/1/1" for corner in face) for face in faces]
        start += len(own)
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def moves_with(name: str) -> np.ndarray:
    """The vertices that a key moves: the face in all, teeth and tongue with the jaw alone."""
    with_jaw = ("M_Face", "M_Teeth", "M_GumsTongue") if name.startswith("jaw") else ("M_Face",)
    return np.concatenate([np.full((len(points), 1), part in with_jaw) for part, (points, _) in PARTS.items()])


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is laid out as a clone is."""
    folder = tmp_path_factory.mktemp("ICT-FaceKit")
    inside = folder / "FaceXModel"
    inside.mkdir()
    write_obj(inside / "generic_neutral_mesh.obj", POINTS, with_faces=True)
    write_obj(inside / "identity000.obj", POINTS * 1.1)
    names = [f"{name.removesuffix('Left')}_{side}" for name in SIDED for side in "LR"]
    names += [name for name in EXPRESSIONS if name not in ("browInnerUp", "cheekPuff")]
    names += [f"{stem}_{side}" for stem in ("browInnerUp", "cheekPuff", "cheekRaiser") for side in "LR"]
    for number, name in enumerate(names):
        side = POINTS[:, :1] * (1 if name.endswith("_L") else -1) > 0 if name.endswith(("_L", "_R")) else True
        move = np.where(side & moves_with(name), [[0.01 * (number + 1), -0.2, 0.0]], 0.0)
        write_obj(inside / f"{name}.obj", POINTS + move)
    return folder


def model_of(clone: Path) -> Model:
    return ict_files.read(clone)


def test_sides_are_merged_to_arkit_s_names(clone: Path):
    moves = ict_files.arkit_moves(model_of(clone))
    assert set(channels.ARKIT) - set(moves) == {"tongueOut"}
    assert {"cheekRaiser_L", "cheekRaiser_R"} <= set(moves)
    assert not any(name.startswith("identity") for name in moves)
    parts = model_of(clone).moves
    np.testing.assert_allclose(moves["browInnerUp"], parts["browInnerUp_L"] + parts["browInnerUp_R"])
    np.testing.assert_array_equal(moves["mouthSmileLeft"], parts["mouthSmile_L"])


def test_what_macos_leaves_beside_the_files_is_no_shape(clone: Path, tmp_path: Path):
    copy = shutil.copytree(clone, tmp_path / "copy")
    (copy / "FaceXModel" / "._jawOpen.obj").write_bytes(b"\0\5\x16\7")
    assert model_of(copy).moves.keys() == model_of(clone).moves.keys()


def test_the_rounding_of_the_files_moves_nothing(clone: Path):
    assert not model_of(clone).moves["eyeBlink_L"][POINTS[:, 0] < -0.1].any()


@pytest.mark.parametrize("inside", ["", "FaceXModel"])
def test_the_command_builds_a_head_that_is_recognised(clone: Path, tmp_path: Path, inside: str, capsys):
    output = tmp_path / "head.blend"
    assert cli.main(["rigs", "import-ict", str(clone / inside), "-o", str(output)]) == 0
    assert "ICT-FaceKit, MIT licence" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["head.blend"]
    bpy.ops.wm.open_mainfile(filepath=str(output))
    face = bpy.data.objects["Face"]
    found = rig.examine(bpy.context.scene, face)
    assert found.detection.rig.name == "arkit"
    assert found.detection.missing == ()
    assert {part.owner.shown for part in found.parts} >= {"Face", "Eyes", "Teeth", "Tongue"}
    assert bpy.context.view_layer.objects.active == face
    assert "EyeOcclusion" not in bpy.data.objects


def test_a_link_stays_one_and_the_head_lies_where_it_points(clone: Path, tmp_path: Path):
    (tmp_path / "far").mkdir()
    (tmp_path / "head.blend").symlink_to("far/real.blend")
    ict.import_head(clone, tmp_path / "head.blend")
    assert (tmp_path / "head.blend").is_symlink()
    assert [path.name for path in (tmp_path / "far").iterdir()] == ["real.blend"]


def moved(name: str, key: str) -> np.ndarray:
    """How far a key moves each vertex of an object."""
    blocks = bpy.data.objects[name].data.shape_keys.key_blocks
    rest, there = (np.array([point.co for point in blocks[which].data]) for which in ("Basis", key))
    return there - rest


def test_eyes_turn_where_the_key_says(clone: Path, scene: bpy.types.Scene):
    ict.build(scene, model_of(clone))
    basis = np.array([point.co for point in bpy.data.objects["Eyes"].data.shape_keys.key_blocks["Basis"].data])
    front = int(np.argmin(basis[:, 1] - basis[:, 0]))  # of the left eye: it looks along -y, the left is +x
    for key, axis, sign in (
        ("eyeLookOutLeft", 0, 1),
        ("eyeLookInLeft", 0, -1),
        ("eyeLookUpLeft", 2, 1),
        ("eyeLookDownLeft", 2, -1),
    ):
        move = moved("Eyes", key)
        assert sign * move[front, axis] > 0.004, key
        assert not move[basis[:, 0] < 0].any(), key


def test_the_tongue_comes_out_and_the_mouth_opens_for_it(clone: Path, scene: bpy.types.Scene):
    ict.build(scene, model_of(clone))
    assert moved("Tongue", "tongueOut")[:, 1].min() < -0.02
    assert np.abs(moved("Face", "tongueOut")).max() > 0


def test_a_head_stands_upright_in_metres(clone: Path, scene: bpy.types.Scene):
    face = ict.build(scene, model_of(clone))
    assert 0.1 < face.dimensions.z < 0.6
    assert min(vertex.co.y for vertex in bpy.data.objects["Eyes"].data.vertices) < -0.09


def spoilt(clone: Path, tmp_path: Path, name: str, text: str | None) -> Path:
    """A copy of the clone in which one file is another, or gone."""
    inside = tmp_path / "FaceXModel"
    inside.mkdir()
    for path in (clone / "FaceXModel").iterdir():
        (inside / path.name).symlink_to(path)
    (inside / name).unlink()
    if text is not None:
        (inside / name).write_text(text, encoding="ascii")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("generic_neutral_mesh.obj", None, "has no FaceXModel/generic_neutral_mesh.obj; give a clone of ICT-FaceKit"),
        ("generic_neutral_mesh.obj", "v 0 0 0\n", "has no faces"),
        ("generic_neutral_mesh.obj", "v 0 0 0\nf 1 2 3\n", "has a face of vertices that are not there"),
        ("generic_neutral_mesh.obj", "v 0 0 0\nf 1 x 3\n", "has a face that cannot be read"),
        ("jawOpen.obj", None, "has no jawOpen.obj"),
        ("jawOpen.obj", "v 0 0 0\n", "has 1 vertices, the neutral head"),
        ("jawOpen.obj", "v 0 0\n", "has a vertex that is no three numbers"),
        ("jawOpen.obj", "v 0 nan 0\n", "has a vertex that is no three numbers"),
        ("jawOpen.obj", "v 0 zero 0\n", "has a vertex that is no three numbers"),
    ],
)
def test_a_spoilt_clone_is_refused_in_one_line(clone: Path, tmp_path: Path, name, text, complaint, capsys):
    folder = spoilt(clone, tmp_path, name, text)
    assert cli.main(["rigs", "import-ict", str(folder), "-o", str(tmp_path / "head.blend")]) == 2
    told = capsys.readouterr().err
    assert complaint in told
    assert len([line for line in told.splitlines() if "%" not in line]) == 1
    assert not (tmp_path / "head.blend").exists()


def test_what_is_no_clone_or_no_blend_is_refused(clone: Path, tmp_path: Path):
    for source, output, complaint in (
        (tmp_path / "nowhere", "head.blend", "is no folder; give a clone"),
        (tmp_path / ("n" * 300), "head.blend", "is no folder; give a clone"),
        (tmp_path, "head.blend", "has no FaceXModel/"),
        (clone, "head.fbx", "must end in .blend"),
        (clone, "no/such/folder/head.blend", "cannot be written"),
    ):
        with pytest.raises(FormatError, match=complaint):
            ict.import_head(source, tmp_path / output)
    broken = tmp_path / "head.npz"
    np.savez(tmp_path / "flat.npz", vertices=np.zeros((4, 3)), faces=np.array(0))
    whole = (tmp_path / "flat.npz").read_bytes()
    spoilt = whole[:200] + b"\1" + whole[201:]
    for content in (b"", b"PK", b"PK nothing", whole, spoilt, whole.replace(b"PK\1", b"PK\7")):
        broken.write_bytes(content)
        with pytest.raises(FormatError, match="is no ICT-FaceKit head"):
            ict_files.read(broken)


@pytest.mark.parametrize(
    ("field", "spoil"),
    [
        ("vertices", lambda values: values * np.nan),
        ("vertices", lambda values: values[:, :2]),
        ("faces", lambda values: values + len(POINTS)),
        ("faces", lambda values: values[:1]),
        ("faces", lambda values: np.where(np.arange(4) < 2, values, -1)),
        ("shape_deltas", lambda values: values[:, :5]),
        ("shape_deltas", lambda values: values * np.nan),
    ],
)
def test_a_head_whose_parts_do_not_belong_together_is_refused(clone: Path, tmp_path: Path, field, spoil):
    model = model_of(clone)
    whole = {
        "vertices": model.points,
        "faces": np.array([(face + face)[:4] for face in model.faces]),
        "group_names": np.unique(model.materials),
        "face_group": np.unique(model.materials, return_inverse=True)[1],
        "shape_names": np.array(list(model.moves)),
        "shape_deltas": np.array(list(model.moves.values())),
    }
    np.savez(tmp_path / "head.npz", **whole)
    assert len(ict_files.read(tmp_path / "head.npz").faces) == len(model.faces)
    np.savez(tmp_path / "head.npz", **{**whole, field: spoil(whole[field])})
    with pytest.raises(FormatError, match=r"'.*head.npz' is no ICT-FaceKit head; give a clone's folder"):
        ict_files.read(tmp_path / "head.npz")


@needs_ict
def test_the_real_head_has_all_52_keys_and_a_tongue_that_clears_its_lip(scene: bpy.types.Scene):
    face = ict.build(scene, ict_files.read(ICT))
    assert len(face.data.vertices) == 14_062
    assert rig.examine(scene, face).detection.missing == ()
    basis = np.array([point.co for point in bpy.data.objects["Tongue"].data.shape_keys.key_blocks["Basis"].data])
    tip = (basis + moved("Tongue", "tongueOut"))[:, 1].min()
    lip = np.array([vertex.co for vertex in face.data.vertices])
    lower = lip[(np.abs(lip[:, 0]) < 0.01) & (np.abs(lip[:, 2] + 0.04) < 0.005), 1].min()
    assert tip < lower - 0.005  # half a centimetre before the lip


def test_without_blender_the_command_is_refused_in_one_line():
    code = "import sys; sys.modules['bpy'] = None; from addon import cli; sys.exit(cli.main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "rigs", "import-ict", "clone", "-o", "head.blend"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("facewright: only Blender can build a head: run `blender --command facewright rigs")
    assert len(done.stderr.splitlines()) == 1
