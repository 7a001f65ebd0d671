from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from addon.core.layers.gestures import dice, nearest
from addon.core.prosody import Prosody


def test_dice_repeat_for_a_line_and_differ_between_seeds_layers_and_lines_of_other_lengths() -> None:
    line, longer = (Prosody(np.zeros(rows, np.float32), np.zeros(rows, np.float32)) for rows in (100, 101))
    thrown = [
        dice(*its).random() for its in ((1, "head", line), (2, "head", line), (1, "gaze", line), (1, "head", longer))
    ]
    assert len(set(thrown)) == 4
    assert dice(1, "head", line).random() == thrown[0]


@given(st.lists(st.floats(-5, 30), max_size=9), st.lists(st.floats(0, 20), min_size=1, max_size=9))
def test_a_moment_is_drawn_to_no_mark_but_the_nearest(times_s: list[float], marks_s: list[float]) -> None:
    times, marks = np.array(times_s, np.float64), np.sort(np.array(marks_s, np.float64))
    found = nearest(times, marks)
    assert np.isin(found, marks).all()
    np.testing.assert_array_equal(np.abs(found - times), np.abs(times[:, np.newaxis] - marks).min(axis=1))
