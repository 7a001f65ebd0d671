"""The parts of the comparison: assignment, the plane of symmetry, the shipped reference."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.core.channels import ARKIT
from addon.core.rigs.solve import Shapes, reference, vertex_areas
from addon.core.rigs.solve.assign import assigned
from addon.core.rigs.solve.mirror import mirror_plane
from addon.core.rigs.solve.reference_head import packed
from addon.core.rigs.solve.shapes import thinned, traits
from benchmarks.solve_accuracy import hidden
from samples import build_reference

FILE = Path(__file__).parents[4] / "addon/core/rigs/solve/reference.toml"


@given(st.integers(1, 5), st.integers(0, 2), st.integers(0, 10_000))
def test_an_assignment_is_worth_the_most_that_any_is(rows: int, more: int, seed: int):
    worth = np.random.default_rng(seed).integers(0, 6, (rows, rows + more)).astype(float)
    found = assigned(worth)
    assert len(set(found)) == rows
    best = max(
        sum(worth[row, column] for row, column in enumerate(columns))
        for columns in itertools.permutations(range(rows + more), rows)
    )
    assert worth[np.arange(rows), found].sum() == pytest.approx(best)


def test_more_rows_than_columns_cannot_be_assigned():
    with pytest.raises(ValueError, match="3 rows cannot go to 2 columns"):
        assigned(np.zeros((3, 2)))


@pytest.mark.parametrize("seed", range(2))
def test_the_plane_of_symmetry_is_found_in_any_turn(demo: Shapes, seed: int):
    head = hidden(demo, seed)
    normal, offset = mirror_plane(head, traits(head))
    size = np.ptp(head.points @ normal)
    images = head.points - 2 * (head.points @ normal - offset)[:, None] * normal
    apart = [np.linalg.norm(head.points - image, axis=1).min() for image in images[::40]]
    assert np.median(apart) < 0.01 * size


def test_a_triangle_s_surface_is_shared_by_its_corners():
    points = np.array([[0, 0, 0], [2, 0, 0], [0, 3, 0], [9, 9, 9]], float)
    np.testing.assert_allclose(vertex_areas(points, np.array([[0, 1, 2]])), [1, 1, 1, 0])


def test_a_thinned_head_keeps_its_surface_and_its_keys(demo: Shapes):
    thin = thinned(demo, 600)
    assert len(thin.points) == 600
    assert thin.names == demo.names
    assert thin.areas.sum() == pytest.approx(demo.areas.sum(), rel=0.15)
    a, b = traits(demo), traits(thin)
    assert np.linalg.norm(a.centre - b.centre, axis=1).max() < 1.0  # centimetres


def test_the_reference_has_arkit_s_keys_and_is_its_own_mirror_image():
    whole = reference().whole
    assert whole.names == ARKIT
    half = len(whole.points) // 2
    np.testing.assert_allclose(whole.points[half:], whole.points[:half] * [-1, 1, 1])
    left, right = (whole.moves[ARKIT.index(f"mouthSmile{side}")] for side in ("Left", "Right"))
    np.testing.assert_allclose(right[half:], left[:half] * [-1, 1, 1])
    assert len(reference().skin.points) < len(whole.points)


def test_the_reference_is_what_its_script_writes_of_the_demo_head():
    assert FILE.read_text(encoding="utf-8") == build_reference.build(), (
        "run: python samples/build_reference.py addon/core/rigs/solve/reference.toml"
    )


def test_what_is_packed_and_unpacked_differs_by_roundings_alone(demo: Shapes):
    half = len(demo.points) // 2
    left = demo.chosen(np.arange(half))
    text = packed(Shapes(left.points, demo.areas[:half], left.moves, left.names), half)
    assert 'names = ["eyeBlinkLeft"' in text
    assert len(text) < 70_000
