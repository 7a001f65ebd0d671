from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.core import emotions
from addon.core.errors import SettingsError
from addon.core.settings import EmotionSettings, Settings, dumps, loads


def weights(**given: float) -> emotions.Mood:
    return tuple(given.get(name, 0.0) for name in emotions.NAMES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("joy 0.6", weights(joy=0.6)),
        ("  Joy:0.6 ", weights(joy=0.6)),
        ("joy", weights(joy=1.0)),
        ("JOY 60%", weights(joy=0.6)),
        ("joy 0,6", weights(joy=0.6)),
        ("anger 0,8, fear 0,2", weights(anger=0.8, fear=0.2)),
        ("anger 0.8 fear 0.2", weights(anger=0.8, fear=0.2)),
        ("anger=.8, fear=.2", weights(anger=0.8, fear=0.2)),
        ("anger 0.8 + fear 2e-1", weights(anger=0.8, fear=0.2)),
        ("happy 0.5", weights(joy=0.5)),
        ("neutral", weights(neutral=1.0)),
        ("contempt 0", weights()),
    ],
)
def test_a_mood_is_read_as_an_animator_writes_it(text: str, expected: emotions.Mood) -> None:
    assert emotions.mood(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("jooy 0.6", r"'jooy 0\.6' names no emotion \(did you mean joy\?\)"),
        ("joy 1.5", r"joy in 'joy 1\.5' must be 0 to 1, not 1\.5"),
        ("joy -0.1", "must be 0 to 1, not -0.1"),
        ("joy 0.6.7", "must be 0 to 1"),
        ("joy 0.5 shouting", "names no emotion"),
        ("joy nan", "names no emotion"),
        ("", "without an emotion"),
        ("0.5", "names no emotion"),
    ],
)
def test_what_is_no_mood_is_refused_with_the_remedy(text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as refusal:
        emotions.mood(text)
    assert len(str(refusal.value).splitlines()) == 1


def test_a_track_is_read_in_the_order_of_time_and_written_again() -> None:
    track = emotions.marks("2 anger; 0.5: joy 0.6\n4.25s neutral")
    assert [time_s for time_s, _ in track] == [0.5, 2.0, 4.25]
    assert track[0][1] == weights(joy=0.6)
    assert emotions.marks(emotions.track(track)) == track
    nothing = emotions.marks("1 joy 0; 2 anger 0 fear 0%")  # not neutral: it holds nothing back of what the voice says
    assert emotions.marks(emotions.track(nothing)) == nothing
    for name in emotions.NAMES:  # the s of seconds is not the s of sadness
        for written in (f"1 {name}", f"1s {name}", f"1: {name}"):
            assert emotions.marks(written) == ((1.0, weights(**{name: 1.0})),)
    assert emotions.marks("0,5 joy 0,6; 2,25 anger") == emotions.marks("0.5 joy 0.6; 2.25 anger")
    assert emotions.marks("") == emotions.marks(" ; ") == ()
    with pytest.raises(SettingsError, match="begin with its seconds"):
        emotions.marks("joy 0.6")
    with pytest.raises(SettingsError, match="begin with its seconds"):
        emotions.marks("1.2.3 joy 0.6")


def test_a_bad_track_in_a_settings_file_is_refused_when_it_is_read() -> None:
    with pytest.raises(SettingsError, match="did you mean joy"):
        loads('[emotion]\ntrack = "0 jpy 0.5"')
    kept = Settings(emotion=EmotionSettings(track="0.5 joy 0.6; 2 anger"))
    assert loads(dumps(kept)) == kept


def test_half_of_the_change_is_made_at_the_mark() -> None:
    marks = emotions.marks("2 joy 0.8; 4 neutral")
    values = emotions.keyed(weights(sadness=0.4), marks, 300, 50.0, 0.6)
    joy, sadness = values[:, 1], values[:, 2]
    assert joy[84] == 0
    assert sadness[84] == pytest.approx(0.4)
    assert joy[100] == pytest.approx(0.4, abs=0.01)
    assert joy[116] == pytest.approx(0.8)
    assert (joy[216:] == 0).all()
    assert np.abs(np.diff(joy)).max() < 1.6 * 0.8 / (0.6 * 50)


def test_a_thousand_marks_in_three_hours_are_all_reached() -> None:
    marks = tuple((10.0 * number, weights(joy=number % 7 / 7)) for number in range(1_000))
    values = emotions.keyed(weights(), marks, 3 * 3_600 * 50, 50.0, 0.6)
    np.testing.assert_allclose(values[250::500, 1][:1_000], [number % 7 / 7 for number in range(1_000)], atol=1e-6)


def test_a_mark_in_the_middle_of_a_change_takes_over_from_what_that_has_reached() -> None:
    values = emotions.keyed(weights(), emotions.marks("2 joy 1; 2.25 sadness 1"), 300, 50.0, 1.0)
    alone = emotions.keyed(weights(), emotions.marks("2 joy 1"), 300, 50.0, 1.0)
    np.testing.assert_array_equal(values[:88], alone[:88])  # until 1.75 s
    assert 0.2 < values[:, 1].max() < 0.8
    assert values[138:].tolist() == [list(weights(sadness=1.0))] * 162  # from 2.75 s on


def test_neutral_holds_back_what_a_mark_keys_beside_it() -> None:
    values = emotions.keyed(weights(joy=0.8, neutral=0.25), emotions.marks("2 anger 0.8 neutral 0.5"), 200, 50.0, 0.5)
    np.testing.assert_allclose(values[0], weights(joy=0.6, neutral=0.25), atol=1e-6)
    np.testing.assert_allclose(values[-1], weights(anger=0.4, neutral=0.5), atol=1e-6)


@given(st.lists(st.tuples(st.floats(-5, 20), st.sampled_from(emotions.NAMES), st.floats(0, 1)), max_size=12))
def test_weights_never_leave_0_to_1_whatever_is_keyed(keys: list[tuple[float, str, float]]) -> None:
    marks = tuple(sorted((t, weights(**{name: w})) for t, name, w in keys))
    values = emotions.keyed(weights(joy=1.0), marks, 200, 50.0, 0.5)
    assert values.shape == (200, 8)
    assert values.min() >= 0
    assert values.max() <= 1
    assert np.abs(np.diff(values, axis=0)).max(initial=0) < 0.2


def test_blanks_without_end_in_a_mark_are_refused() -> None:
    with pytest.raises(SettingsError, match="does not begin with its seconds"):
        emotions.marks("1" + 800 * " " + "!")
