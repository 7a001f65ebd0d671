"""Timeline markers that direct emotion: what counts as one, when it begins, and what is told of one misspelt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.blender.direction import markers
from addon.core import emotions


def mood(text: str, speakers: frozenset[str] = frozenset()) -> dict[str, float] | None:
    """What one marker asks for; None if it asks for nothing. Nothing may be told of it."""
    marks, told = markers.read([(text, 0)], 24, 0, speakers)
    assert told == ()
    return felt(marks[0][1]) if marks else None


def felt(weights: emotions.Mood) -> dict[str, float]:
    return {name: weight for name, weight in zip(emotions.NAMES, weights, strict=True) if weight}


def told(text: str) -> str:
    """What is told of one marker that then counts for nothing."""
    marks, told = markers.read([(text, 12)], 24, 0)
    assert marks == ()
    return " ".join(told)


@pytest.mark.parametrize(
    "text", ["joy 0.6", "JOY 0.6", " joy  .6 ", "joy0.6", "joy=0.6", "joy: 0.6", "Joy 0,6", "joy 60%", "happy 0.6"]
)
def test_case_spacing_and_the_form_of_the_number_do_not_matter(text: str):
    assert mood(text) == {"joy": 0.6}


def test_an_emotion_without_a_number_is_felt_wholly():
    assert mood("anger") == {"anger": 1.0}
    assert mood("Surprise!") == {"surprise": 1.0}


def test_one_marker_may_name_several_emotions():
    assert mood("joy .5 surprise .3") == {"joy": 0.5, "surprise": 0.3}
    assert mood("sad 0.5, fear 0.25") == {"sadness": 0.5, "fear": 0.25}


def test_neutral_and_zero_end_whatever_was_felt():
    assert mood("Neutral") == {"neutral": 1.0}
    assert mood("joy 0") == {}


@pytest.mark.parametrize(
    "text",
    ["F_12", "act 1", "shot_010", "camera 2", "Joy enters", "anger management", "near", "tear", "toy", "job", "door",
     "12 joys",
     "danger", "ranger", "year 2", "gear 2", "fight", "hero", "", "  ", "...", "12", "wall;bang", "喜び"],
)  # fmt: skip
def test_a_marker_that_names_no_emotion_is_left_alone(text: str):
    assert mood(text) is None


@pytest.mark.parametrize(
    ("text", "nearest"),
    [("angr", "anger"), ("suprise", "surprise"), ("jyo 0.6", "joy"), ("fera", "fear"), ("sadnes .5", "sadness"),
     ("digust 40%", "disgust"), ("contemt", "contempt"), ("neutrl", "neutral"), ("joy .4 suprise .3", "surprise")],
)  # fmt: skip
def test_one_that_looks_like_an_emotion_misspelt_is_told_with_the_nearest(text: str, nearest: str):
    assert told(text).startswith(f"marker {text!r} at frame 12: no emotion is called ")
    assert told(text).endswith(f"nearest is {nearest!r}")


def test_a_strength_that_is_none_is_told_and_the_marker_counts_for_nothing():
    assert told("joy 60") == "marker at frame 12: joy in 'joy 60' must be 0 to 1, not 60"
    assert told("joy -1") == "marker at frame 12: joy in 'joy -1' must be 0 to 1, not -1"
    assert told("joy 0.6.2") == "marker at frame 12: joy in 'joy 0.6.2' must be 0 to 1, not 0.6.2"


def test_a_marker_that_is_addressed_counts_for_that_head_alone():
    assert mood("Anna: joy 0.5", frozenset({"anna", "Anna.head"})) == {"joy": 0.5}
    assert mood("anna : joy 0.5", frozenset({"Anna"})) == {"joy": 0.5}
    assert mood("Bob: joy 0.5", frozenset({"Anna"})) is None
    assert mood("Bob: joi 0.5", frozenset({"Anna"})) is None


@pytest.mark.parametrize("fps", [1.0, 24000 / 1001, 24.0, 240.0])
def test_frames_become_seconds_of_the_line_at_any_rate(fps: float):
    marks, _ = markers.read([("anger", 130), ("joy", -10), ("neutral", 100)], fps, 100)
    assert [time_s for time_s, _ in marks] == [-110 / fps, 0, 30 / fps]
    assert [felt(weights) for _, weights in marks] == [{"joy": 1}, {"neutral": 1}, {"anger": 1}]
    assert len(emotions.marks(emotions.track(marks))) == 3


def test_markers_on_one_frame_add_up():
    marks, _ = markers.read([("joy 0.6", 5), ("end of shot", 5), ("surprise 0.2", 5)], 24, 5)
    assert [(time_s, felt(weights)) for time_s, weights in marks] == [(0.0, {"joy": 0.6, "surprise": 0.2})]


@given(st.text(max_size=40), st.integers(-(2**20), 2**20))
def test_whatever_a_marker_says_what_comes_of_it_is_sane(text: str, frame: int):
    marks, told = markers.read([(text, frame)], 24, 0)
    assert len(marks) + len(told) <= 1
    assert all(0 <= weight <= 1 for _, weights in marks for weight in weights)
    assert all("\n" not in line for line in told)
