"""Timeline markers that direct emotion: what counts as one, when it begins, and what is told of one misspelt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.blender import markers
from addon.blender.markers import Cue


def mood(text: str, speakers: frozenset[str] = frozenset()) -> dict[str, float] | None:
    """What one marker asks for; None if it asks for nothing. Nothing may be told of it."""
    cues, told = markers.read([(text, 0)], 24, 0, speakers)
    assert told == ()
    return cues[0].mood if cues else None


def told(text: str) -> str:
    """What is told of one marker that then counts for nothing."""
    cues, told = markers.read([(text, 12)], 24, 0)
    assert cues == ()
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
    assert mood("Neutral") == {}
    assert mood("joy 0") == {}


@pytest.mark.parametrize(
    "text",
    ["F_12", "act 1", "shot_010", "camera 2", "Joy enters", "anger management", "near", "tear", "toy", "job", "door",
     "danger", "ranger", "year 2", "gear 2", "fight", "hero", "", "  ", "...", "12", "wall;bang", "joy🎉", "喜び"],
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
    assert told("joy 60") == "marker 'joy 60' at frame 12: joy can be 0 to 1, not 60"
    assert told("joy -1") == "marker 'joy -1' at frame 12: joy can be 0 to 1, not -1"
    assert told("joy 0.6.2") == "marker 'joy 0.6.2' at frame 12: cannot be read; write it like 'joy 0.6'"


def test_a_marker_that_is_addressed_counts_for_that_head_alone():
    assert mood("Anna: joy 0.5", frozenset({"anna", "Anna.head"})) == {"joy": 0.5}
    assert mood("anna : joy 0.5", frozenset({"Anna"})) == {"joy": 0.5}
    assert mood("Bob: joy 0.5", frozenset({"Anna"})) is None
    assert mood("Bob: joi 0.5", frozenset({"Anna"})) is None


@pytest.mark.parametrize("fps", [1.0, 24000 / 1001, 24.0, 240.0])
def test_frames_become_seconds_of_the_line_at_any_rate(fps: float):
    cues, _ = markers.read([("anger", 130), ("joy", -10), ("neutral", 100)], fps, 100)
    assert cues == (Cue(-110 / fps, {"joy": 1.0}), Cue(0.0, {}), Cue(30 / fps, {"anger": 1.0}))


def test_markers_on_one_frame_add_up():
    cues, _ = markers.read([("joy 0.6", 5), ("end of shot", 5), ("surprise 0.2", 5)], 24, 5)
    assert cues == (Cue(0.0, {"joy": 0.6, "surprise": 0.2}),)


@given(st.text(max_size=40), st.integers(-(2**20), 2**20))
def test_whatever_a_marker_says_what_comes_of_it_is_sane(text: str, frame: int):
    cues, told = markers.read([(text, frame)], 24, 0)
    assert len(cues) + len(told) <= 1
    assert all(name in markers.EMOTIONS and 0 < value <= 1 for cue in cues for name, value in cue.mood.items())
    assert all("\n" not in line for line in told)
