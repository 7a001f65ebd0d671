"""The demo head keeps what its README promises; lengths are centimetres."""

from __future__ import annotations

import numpy as np
import pytest

from addon.core.channels import ARKIT
from samples.head import form, keys, parts, skin
from samples.head.form import EYE, EYE_R, HINGE, Array
from samples.head.loops import CONTACT, CREASE, EDGE, MARGIN, SOCKET, WET
from samples.head.skin import LIDS, LIPS, Skin

Keys = dict[str, Array]


@pytest.fixture(scope="module")
def moves(face: Skin) -> Keys:
    return keys.make(face, ARKIT)


def posed(face: Skin, moves: Keys, **values: float) -> Array:
    """The skin's vertices in a pose, as Blender adds relative keys up."""
    return face.points + sum(value * moves[name] for name, value in values.items())


def lip_pairs(face: Skin, ring: int) -> tuple[Array, Array]:
    """Upper and lower vertices of a loop that face each other, as two rows of indices."""
    found = []
    for side in (1, 0, -1):
        ours = face.is_ring(LIPS, ring) & (np.sign(face.points[:, 0]) == side)
        upper, lower = (np.flatnonzero(ours & (face.upper == k)) for k in (1, -1))
        found.append((upper[np.argsort(face.along[upper])], lower[np.argsort(face.along[lower])]))
    return np.concatenate([u for u, _ in found]), np.concatenate([low for _, low in found])


def corner(face: Skin, side: int) -> int:
    return int(np.flatnonzero(face.is_ring(LIPS, EDGE) & (face.upper == 0) & (np.sign(face.points[:, 0]) == side))[0])


def lids_of_left(face: Skin) -> Array:
    return np.asarray(face.is_ring(LIDS, CREASE, SOCKET) & (face.points[:, 0] > 0))


def test_face_has_all_52_keys_and_each_moves_something(moves: Keys) -> None:
    assert tuple(moves) == ARKIT
    assert all(np.linalg.norm(move, axis=1).max() > 0.1 for move in moves.values())


def test_no_coordinate_is_missing_and_no_vertex_flies_away(face: Skin, moves: Keys) -> None:
    assert np.isfinite(face.points).all()
    assert all(np.isfinite(move).all() and np.abs(move).max() < 6 for move in moves.values())


def test_mesh_is_one_closed_manifold_but_for_neck_and_sockets(face: Skin) -> None:
    edges: dict[tuple[int, int], int] = {}
    for loop in face.faces:
        for a, b in zip(loop, (*loop[1:], loop[0]), strict=True):
            assert (a, b) not in edges, "two faces run along an edge the same way: one is inside out"
            edges[a, b] = 1
    open_edges = [(a, b) for a, b in edges if (b, a) not in edges]
    ends = {a for edge in open_edges for a in edge}
    neck = face.points[:, 2] < -12
    assert all(neck[v] or (face.zone[v] == LIDS and face.ring[v] == SOCKET) for v in ends)


def test_right_keys_are_mirror_images_of_left_ones(face: Skin, moves: Keys) -> None:
    np.testing.assert_allclose(face.points[face.mirror], face.points * [-1, 1, 1], atol=1e-9)
    for name, move in moves.items():
        twin = moves[name[:-4] + "Right"] if name.endswith("Left") else move
        if not name.endswith("Right"):
            np.testing.assert_allclose(move[face.mirror] * [-1, 1, 1], twin, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("name", [n for n in ARKIT if n.endswith("Left") and not n.startswith(("jaw", "mouthLeft"))])
def test_a_left_key_leaves_the_right_half_alone(face: Skin, moves: Keys, name: str) -> None:
    size = np.linalg.norm(moves[name], axis=1)
    assert size[face.points[:, 0] < -1.2].max() < 0.12 * size.max()


@pytest.mark.parametrize("ring", [EDGE, CONTACT])
@pytest.mark.parametrize("v", [0.0, 0.1, 0.3, 0.5, 1.0])
def test_mouth_close_seals_the_lips_over_a_jaw_as_far_open(face: Skin, moves: Keys, v: float, ring: int) -> None:
    upper, lower = lip_pairs(face, ring)
    points = posed(face, moves, jawOpen=v, mouthClose=v)
    assert np.linalg.norm(points[upper] - points[lower], axis=1).max() < 0.02
    open_lips = posed(face, moves, jawOpen=v)
    assert np.linalg.norm(open_lips[upper] - open_lips[lower], axis=1).max() > 2.5 * v - 0.01


def test_mouth_close_leaves_the_chin_with_the_open_jaw(face: Skin, moves: Keys) -> None:
    chin = np.argmin(np.linalg.norm(face.points - [0, -8.6, -9.4], axis=1))
    assert moves["mouthClose"][chin, 2] < 0.25 * -moves["jawOpen"][chin, 2]


def test_jaw_turns_about_its_hinge(moves: Keys, face: Skin) -> None:
    teeth = parts.teeth()
    lower = np.linalg.norm(teeth.keys["jawOpen"], axis=1) > 0
    before, after = teeth.points[lower] - HINGE, (teeth.points + teeth.keys["jawOpen"])[lower] - HINGE
    half = before + 0.5 * (after - before)
    reach = np.hypot(before[:, 1], before[:, 2])
    np.testing.assert_allclose(np.hypot(after[:, 1], after[:, 2]), reach, rtol=1e-6)
    np.testing.assert_allclose(np.hypot(half[:, 1], half[:, 2]), reach, rtol=0.025)  # a key cuts the arc's chord
    cosine = (before[:, 1:] * after[:, 1:]).sum(axis=1) / reach**2
    assert 20 < np.degrees(np.arccos(cosine)).mean() < 25
    chin = np.argmin(np.linalg.norm(face.points - [0, -8.6, -9.4], axis=1))
    np.testing.assert_allclose(moves["jawOpen"][chin, 2], teeth.keys["jawOpen"][lower][:, 2].min(), atol=1.5)
    assert (teeth.keys["jawOpen"][~lower] == 0).all()


@pytest.mark.parametrize("blink", [0.0, 0.25, 0.5, 0.75, 1.0])
@pytest.mark.parametrize("other", ["eyeBlinkLeft", "eyeWideLeft", "eyeSquintLeft", "eyeLookDownLeft", "eyeLookUpLeft"])
def test_no_lid_enters_the_eyeball_on_the_way(face: Skin, moves: Keys, blink: float, other: str) -> None:
    points = posed(face, moves, **{other: blink})
    ours = lids_of_left(face)
    assert np.linalg.norm(points[ours] - EYE, axis=1).min() > EYE_R
    middles = np.array([points[list(loop)].mean(axis=0) for loop in face.faces if ours[list(loop)].all()])
    assert np.linalg.norm(middles - EYE, axis=1).min() > EYE_R


def test_blink_closes_the_eye_and_not_before(face: Skin, moves: Keys) -> None:
    lids = face.is_ring(LIDS, WET) & (face.points[:, 0] > 0)
    upper, lower = (np.flatnonzero(lids & (face.upper == k)) for k in (1, -1))
    upper, lower = (row[np.argsort(face.along[row])] for row in (upper, lower))
    apertures = [
        (posed(face, moves, eyeBlinkLeft=v)[upper] - posed(face, moves, eyeBlinkLeft=v)[lower])[:, 2].max()
        for v in (0.0, 0.5, 1.0)
    ]
    assert apertures[0] > 1.0
    assert apertures[1] > 0.3
    assert abs(apertures[2]) < 1e-3
    edge = face.is_ring(LIDS, MARGIN) & (face.points[:, 0] < 0)
    assert np.abs(moves["eyeBlinkLeft"][edge]).max() < 1e-3, "the right eye stays open"


@pytest.mark.parametrize(
    ("key", "sign", "axis"),
    [("eyeLookUp", 1, 2), ("eyeLookDown", -1, 2), ("eyeLookOut", 1, 0), ("eyeLookIn", -1, 0)],
)
def test_eyes_turn_where_the_key_says(key: str, sign: int, axis: int) -> None:
    eyes = parts.eyes()
    pupil = int(np.argmin(np.linalg.norm(eyes.points - EYE - [0, -EYE_R, 0], axis=1)))
    moved = eyes.keys[key + "Left"][pupil, axis]
    assert sign * moved > 0.8
    right = int(np.argmin(np.linalg.norm(eyes.points - (EYE + [0, -EYE_R, 0]) * [-1, 1, 1], axis=1)))
    assert np.abs(eyes.keys[key + "Left"][right]).max() == 0
    mirrored = moved if axis == 2 else -moved
    np.testing.assert_allclose(eyes.keys[key + "Right"][right, axis], mirrored, atol=1e-6)


def test_teeth_lie_behind_the_lips_at_rest(face: Skin) -> None:
    teeth = parts.teeth().points
    contact = face.is_ring(LIPS, CONTACT)
    order = np.argsort(np.abs(face.points[contact, 0]))
    across, back = np.abs(face.points[contact, 0])[order], face.points[contact, 1][order]
    seen = np.abs(teeth[:, 0]) < 2.2
    front = np.abs(teeth[:, 2] - form.MOUTH[2]) < 1.0
    assert (teeth[seen & front, 1] > np.interp(np.abs(teeth[seen & front, 0]), across, back)).all()


def test_lower_lip_reaches_the_upper_teeth_for_f_and_v(face: Skin, moves: Keys) -> None:
    points = posed(face, moves, mouthRollLower=0.9, mouthUpperUpLeft=0.5, mouthUpperUpRight=0.5, jawOpen=0.05)
    teeth = parts.teeth()
    upper = (teeth.keys["jawOpen"] == 0).all(axis=1) & (np.abs(teeth.points[:, 0]) < 1.2)
    biting = upper & (teeth.points[:, 2] < form.MOUTH[2] - 0.2)
    lip = points[face.is_ring(LIPS, 4, CONTACT) & (face.upper < 0) & (np.abs(face.points[:, 0]) < 1.2)]
    away = np.linalg.norm(teeth.points[biting][:, None] - lip[None], axis=-1).min()
    assert away < 0.2
    upper_lip = points[face.is_ring(LIPS, EDGE) & (face.upper > 0) & (np.abs(face.points[:, 0]) < 1.0)]
    assert upper_lip[:, 2].min() > teeth.points[biting, 2].min() + 0.3, "the teeth are seen"


def test_keys_move_the_mouth_the_way_arkit_does(face: Skin, moves: Keys) -> None:
    left, right = corner(face, 1), corner(face, -1)
    width = face.points[left, 0] - face.points[right, 0]
    upper, lower = lip_pairs(face, EDGE)
    middle = int(np.argmin(np.abs(face.points[lower, 0]) + face.along[lower]))

    smile = moves["mouthSmileLeft"]
    assert 0.15 * width < smile[left, 2] < 0.3 * width
    assert smile[left, 0] > 0.5
    assert np.linalg.norm(smile[right]) < 0.01
    assert moves["mouthFrownLeft"][left, 2] < -0.4
    assert moves["mouthStretchLeft"][left, 0] > 0.5
    assert moves["mouthPucker"][left, 0] < -0.5
    assert moves["mouthPucker"][lower[middle], 1] < -0.6, "forward"
    assert moves["mouthFunnel"][lower[middle], 2] < -0.5
    assert moves["mouthFunnel"][upper[middle], 2] > 0.4
    assert moves["mouthLeft"][lower[middle], 0] > 0.8
    assert moves["jawLeft"][lower[middle], 0] > 0.7
    assert moves["jawForward"][lower[middle], 1] < -0.8
    assert moves["mouthUpperUpLeft"][upper[middle], 2] > 0.25
    assert moves["mouthLowerDownLeft"][lower[middle], 2] < -0.25
    assert moves["mouthRollLower"][lower[middle], 1] > 0.5, "in over the teeth"


def test_parts_follow_the_keys_that_concern_them() -> None:
    assert {"jawOpen", "jawLeft", "jawRight", "jawForward"} <= set(parts.teeth().keys)
    assert {"jawOpen", "tongueOut"} <= set(parts.tongue().keys)
    assert {f"eyeBlink{side}" for side in ("Left", "Right")} <= set(parts.lashes(ARKIT).keys)
    assert {"browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft"} <= set(parts.brows(ARKIT).keys)
    assert parts.tongue().keys["tongueOut"][:, 1].min() < -3.0


def test_lashes_stay_on_the_lids_edge(face: Skin, moves: Keys) -> None:
    lashes = parts.lashes(ARKIT)
    edge = face.is_ring(LIDS, MARGIN) & (face.points[:, 0] > 0)
    for v in (0.0, 0.5, 1.0):
        roots = (lashes.points + v * lashes.keys["eyeBlinkLeft"])[:40]
        lids = posed(face, moves, eyeBlinkLeft=v)[edge]
        assert np.linalg.norm(roots[:, None] - lids[None], axis=-1).min(axis=1).max() < 0.2


def test_building_twice_gives_the_same_numbers(face: Skin, moves: Keys) -> None:
    again = skin.build()
    np.testing.assert_array_equal(again.points, face.points)
    np.testing.assert_array_equal(
        keys.make(again, ("jawOpen", "mouthSmileLeft"))["mouthSmileLeft"], moves["mouthSmileLeft"]
    )
