"""Brows, head, gaze and blinks against what people have been measured to do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from addon.core.channels import EYE_UNIT_RAD
from addon.core.curves import Curves, resample
from addon.core.layers import blink, brows, gaze, head
from addon.core.prosody import Prosody, accents, runs, speech_mask
from addon.core.settings import BlinkSettings, BrowsSettings, GazeSettings, HeadSettings

Make = Callable[[int], Prosody]
MINUTES = 10
ROWS = MINUTES * 60 * 50


def rest(rows: int) -> Curves:
    return Curves(np.zeros((rows, 0), np.float32), (), 50.0)


def silent(rows: int) -> Prosody:
    return Prosody(np.full(rows, -90, np.float32), np.zeros(rows, np.float32))


def talking(rows: int) -> Prosody:
    return Prosody(np.full(rows, -20, np.float32), np.full(rows, 120, np.float32))


def test_a_face_at_rest_blinks_17_times_a_minute_and_26_when_talking() -> None:
    for prosody, expected in ((silent(ROWS), 17), (talking(ROWS), 26)):
        starts, _ = runs(blink(rest(ROWS), prosody, BlinkSettings()).column("eyeBlinkLeft") > 0.5)
        assert len(starts) / MINUTES == pytest.approx(expected, rel=0.12)


def test_blinks_last_as_long_as_people_take_and_close_faster_than_they_open() -> None:
    lids = blink(rest(ROWS), silent(ROWS), BlinkSettings()).column("eyeBlinkLeft")
    starts, ends = runs(lids > 0)
    lasts_s = (ends - starts + 1) / 50
    assert 0.2 < np.median(lasts_s) < 0.3
    assert all(lids[start:end].max() > 0.99 for start, end in zip(starts, ends, strict=True) if end < ROWS)
    change = np.diff(lids)
    faster = -change[change > 0].mean() / change[change < 0].mean()
    assert 1.25 < faster < 1.7


@pytest.mark.parametrize("fps", [24.0, 25.0, 30.0, 60.0])
def test_every_blink_is_whole_at_the_scenes_rate(fps: float) -> None:
    seen = resample(blink(rest(ROWS), silent(ROWS), BlinkSettings()), fps).column("eyeBlinkLeft")
    starts, ends = runs(seen[:-20] > 0.02)  # the take's end may cut one off
    assert len(starts) > 100
    assert min(seen[start : end + 1].max() for start, end in zip(starts, ends, strict=True)) > 0.985


@pytest.mark.parametrize("duration_s", [0.1, 0.12, 0.15, 0.2])
@pytest.mark.parametrize("fps", [24.0, 30.0, 60.0])
def test_the_shortest_blinks_are_whole_too(fps: float, duration_s: float) -> None:
    lids = blink(rest(ROWS), silent(ROWS), BlinkSettings(duration_s=duration_s))
    seen = resample(lids, fps).column("eyeBlinkLeft")
    starts, ends = runs(seen[:-20] > 0.02)
    whole = [seen[start : end + 2].max() for start, end in zip(starts, ends, strict=True)]
    assert len(whole) > 100
    assert min(whole) >= 0.98
    own = lids.column("eyeBlinkLeft")
    starts, ends = runs(own > 0)
    assert np.median(ends - starts) / 50 <= duration_s * 1.13 + 0.02
    assert min(own[start:end].max() for start, end in zip(starts, ends, strict=True)) == 1


def test_a_blink_that_is_no_double_one_leaves_the_eyes_open_for_a_while() -> None:
    often = BlinkSettings(per_minute=60.0, doubles=0.0)
    starts, _ = runs(blink(rest(ROWS), silent(ROWS), often).column("eyeBlinkLeft") > 0.5)
    assert len(starts) > 200
    assert np.diff(starts).min() / 50 > 0.5


def test_blinks_gather_at_phrase_ends(made_prosody: Make) -> None:
    prosody = made_prosody(ROWS)
    starts, _ = runs(blink(rest(ROWS), prosody, BlinkSettings()).column("eyeBlinkLeft") > 0.2)
    after_end_s = (starts / 50 - 2.2) % 3.0
    assert (after_end_s < 0.3).mean() > 2.5 * 0.3 / 3.0


def test_the_amount_of_blinking_is_the_share_of_blinks_and_they_stay_whole() -> None:
    full = blink(rest(ROWS), silent(ROWS), BlinkSettings()).column("eyeBlinkLeft")
    half = blink(rest(ROWS), silent(ROWS), BlinkSettings(amount=0.5)).column("eyeBlinkLeft")
    assert len(runs(half > 0.9)[0]) == pytest.approx(len(runs(full > 0.9)[0]) / 2, rel=0.2)
    assert (half <= full + 1e-6).all()


def test_blinks_keep_what_the_model_shut() -> None:
    shut = Curves(np.full((500, 1), 0.8, np.float32), ("eyeBlinkLeft",), 50.0)
    assert blink(shut, silent(500), BlinkSettings()).column("eyeBlinkLeft").min() == np.float32(0.8)


def test_no_blinks_if_none_are_asked_for() -> None:
    none = BlinkSettings(per_minute=0.0, per_minute_talking=0.0)
    assert not blink(rest(3_000), talking(3_000), none).column("eyeBlinkLeft").any()


def test_eye_shapes_and_eye_rotation_say_the_same() -> None:
    eyes = gaze(rest(ROWS), talking(ROWS), GazeSettings())
    right = eyes.column("eyeLookInLeft") - eyes.column("eyeLookOutLeft")
    np.testing.assert_allclose(right * EYE_UNIT_RAD, eyes.column("leftEyeYaw"), atol=1e-5)
    np.testing.assert_allclose(eyes.column("eyeLookOutRight"), eyes.column("eyeLookInLeft"), atol=1e-6)
    down = eyes.column("eyeLookDownRight") - eyes.column("eyeLookUpRight")
    np.testing.assert_allclose(down * EYE_UNIT_RAD, eyes.column("rightEyePitch"), atol=1e-5)
    assert not (eyes.column("eyeLookInLeft") * eyes.column("eyeLookOutLeft")).any()


def test_a_speaker_looks_at_the_listener_as_much_as_asked_and_a_listener_more() -> None:
    def share(prosody: Prosody, asked: float) -> float:
        eyes = gaze(rest(ROWS), prosody, GazeSettings(at_listener=asked))
        off = np.hypot(eyes.column("leftEyeYaw"), 2 * eyes.column("leftEyePitch"))
        return float((off < np.deg2rad(4.5)).mean())

    assert share(talking(ROWS), 0.41) == pytest.approx(0.41, abs=0.08)
    assert share(talking(ROWS), 0.8) == pytest.approx(0.8, abs=0.08)
    assert share(talking(ROWS), 1.0) > 0.9
    assert share(silent(ROWS), 0.41) == pytest.approx(0.75, abs=0.08)


def test_saccades_are_fast_and_150_ms_apart() -> None:
    yaw = gaze(rest(ROWS), talking(ROWS), GazeSettings()).column("leftEyeYaw")
    moving = np.abs(np.diff(yaw)) > 1e-5
    starts, ends = runs(moving)
    assert ((ends - starts) / 50).max() <= 0.14  # 40 degrees: 25 + 2.4 * 40 ms, and a row either side
    assert ((starts[1:] - ends[:-1]) / 50).min() >= 0.1
    assert 0.5 < len(starts) / MINUTES / 60 < 3


def test_eyes_hold_still_in_the_world_while_the_head_turns() -> None:
    turning = np.deg2rad(5 * np.sin(np.arange(1_000) / 60)).astype(np.float32)
    base = rest(1_000).with_columns({"headYaw": turning})
    eyes = gaze(base, talking(1_000), GazeSettings())
    still = gaze(rest(1_000), talking(1_000), GazeSettings())
    np.testing.assert_allclose(eyes.column("leftEyeYaw") + turning, still.column("leftEyeYaw"), atol=1e-5)


def test_brows_rise_just_before_strong_accents_only(made_prosody: Make) -> None:
    prosody = made_prosody(3_000)
    lift = brows(rest(3_000), prosody, BrowsSettings()).column("browInnerUp")
    peaks_s = np.flatnonzero((lift[1:-1] > lift[:-2]) & (lift[1:-1] >= lift[2:])) / 50 + 0.02
    times_s, strengths = accents(prosody)
    gaps_s = np.abs(peaks_s[:, np.newaxis] - (times_s[strengths > 0.4] - 0.06)).min(axis=1)
    assert len(peaks_s) > 5
    assert np.median(gaps_s) < 0.06
    assert lift.max() <= 0.35 + 1e-6
    assert not brows(rest(500), silent(500), BrowsSettings()).values.any()


def test_accents_in_quick_succession_raise_the_brows_no_further_than_one() -> None:
    beat = np.arange(1_000) % 14 < 6  # a stressed syllable every 0.28 s
    prosody = Prosody(np.where(beat, -17, -30).astype(np.float32), np.where(beat, 220, 120).astype(np.float32))
    assert len(accents(prosody)[0]) > 60
    raised = brows(rest(1_000), prosody, BrowsSettings()).column("browInnerUp")
    assert raised.max() == pytest.approx(0.35)


def test_brows_never_pass_the_end_of_their_shape(made_prosody: Make) -> None:
    up = rest(3_000).with_columns({"browInnerUp": np.full(3_000, 0.9, np.float32)})
    raised = brows(up, made_prosody(3_000), BrowsSettings(raise_by=1.0)).column("browInnerUp")
    assert 0.97 < raised.max() <= 1.0


def test_a_head_nods_on_accents_and_comes_back_to_rest(made_prosody: Make) -> None:
    prosody = made_prosody(6_000)
    still = HeadSettings(sway_deg=0.0)
    nods = np.rad2deg(head(rest(6_000), prosody, still).column("headPitch"))
    times_s, _ = accents(prosody)
    rows = np.rint((times_s + 0.03) * 50).astype(int)
    rows = rows[(rows > 10) & (rows < 5_990)]
    assert (nods[rows] - (nods[rows - 10] + nods[rows + 10]) / 2).mean() > 0.4
    loudness = prosody.loudness_db.copy()
    loudness[3_000:] = -90
    hushed = Prosody(loudness, np.where(np.arange(6_000) < 3_000, prosody.pitch_hz, 0).astype(np.float32))
    after = head(rest(6_000), hushed, still)
    assert np.abs(after.values[3_100:]).max() < 1e-4
    assert np.abs(after.values[:3_000]).max() > np.deg2rad(2)


def test_a_high_voice_lifts_the_chin() -> None:
    wave = np.sin(2 * np.pi * np.arange(3_000) / 300)  # a voice that rises and falls in six seconds
    voice = Prosody(np.full(3_000, -20, np.float32), (120 * 2 ** (0.4 * wave)).astype(np.float32))
    down = np.rad2deg(head(rest(3_000), voice, HeadSettings(sway_deg=0.0)).column("headPitch"))
    assert down[wave > 0.7].mean() < down[wave < -0.7].mean() - 0.5


def test_takes_begin_and_end_with_the_head_at_rest(made_prosody: Make) -> None:
    turned = head(rest(600), made_prosody(600), HeadSettings(sway_deg=0.0))
    assert np.rad2deg(np.abs(turned.values[[0, -1]])).max() == 0


def test_a_head_stays_within_what_a_talking_head_does(made_prosody: Make) -> None:
    turned = head(rest(ROWS), made_prosody(ROWS), HeadSettings())
    assert np.rad2deg(np.abs(turned.values)).max() < 15
    steps_deg = np.rad2deg(np.abs(np.diff(turned.values, axis=0)))
    assert steps_deg.max() * 50 < 90  # degrees a second
    assert np.rad2deg(head(rest(ROWS), silent(ROWS), HeadSettings()).column("headYaw").std()) == pytest.approx(
        1.2, rel=0.3
    )


def test_speech_is_where_the_voice_is(made_prosody: Make) -> None:
    assert speech_mask(made_prosody(600)).mean() == pytest.approx(2.2 / 3.0, abs=0.03)
