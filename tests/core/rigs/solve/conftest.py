from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from addon.core.rigs.solve import Shapes, reference
from benchmarks import solve_accuracy

ICT = Path(__file__).parents[5] / "shared/characters/ict_head.npz"


@pytest.fixture(scope="session")
def demo() -> Shapes:
    """The demo head as it is shipped for comparison: a sample of its skin, eyes, teeth and tongue."""
    return reference().whole


@pytest.fixture(scope="session")
def ict() -> Shapes:
    """ICT-FaceKit's head, which nothing here was made from."""
    if not ICT.is_file():
        pytest.skip("ict_head.npz of ICT-FaceKit is not beside this checkout")
    whole = solve_accuracy.ict_head(ICT)
    return whole.chosen(np.arange(0, len(whole.points), 3))


def only(head: Shapes, *names: str) -> Shapes:
    moves = dict(zip(head.names, head.moves, strict=True))
    return solve_accuracy.of(head, {name: moves[name] for name in names})
