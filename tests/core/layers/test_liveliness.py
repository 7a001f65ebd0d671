"""Gaze that head, lids and blinks follow; breath, micro-expressions, cheeks and uneven sides, against numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from addon.core import channels, layers
from addon.core.channels import EYE_UNIT_RAD
from addon.core.curves import Curves, lip_gap
from addon.core.direction import INWARDS, LOOK, Direction
from addon.core.layers import articulation, blink, breath, brows, gaze, head, micro, plan
from addon.core.layers.gaze import GazePlan
from addon.core.prosody import Prosody, accents, phrases, runs
from addon.core.settings import (
    ArticulationSettings,
    BlinkSettings,
    BreathSettings,
    BrowsSettings,
    GazeSettings,
    HeadSettings,
    MicroSettings,
    Settings,
)

Make = Callable[[int], Prosody]
ROWS = 10 * 60 * 50  # ten minutes


def rest(rows: int) -> Curves:
    return Curves(np.zeros((rows, len(channels.ALL)), np.float32), channels.ALL, 50.0)


def silent(rows: int) -> Prosody:
    return Prosody(np.full(rows, -90, np.float32), np.zeros(rows, np.float32))


def leap(rows: int, at: int, degrees: float, every: int = 0) -> GazePlan:
    """A plan that leaps aside at a row, and there and back again every so many rows."""
    t = np.arange(rows)
    aside = ((t - at) // every % 2 == 0) & (t >= at) if every else t >= at
    world = np.zeros((rows, 2), np.float32)
    world[:, 0] = np.deg2rad(degrees) * aside
    starts = np.flatnonzero(np.diff(aside.astype(int))) / 50
    return GazePlan(world, starts, np.full(len(starts), degrees))


def test_looks_away_begin_while_a_phrase_is_planned(made_prosody: Make) -> None:
    prosody = made_prosody(ROWS)
    starts_s = phrases(prosody)[:, 0]

    def shifts_before_a_phrase(planning: float) -> float:
        plans = [plan(prosody, GazeSettings(planning=planning, seed=seed)) for seed in range(5)]
        large = np.concatenate([shifts.shifts_s[shifts.sizes_deg > 5] for shifts in plans])
        ahead_s = starts_s[np.clip(np.searchsorted(starts_s, large), 0, len(starts_s) - 1)] - large
        return float(((ahead_s > 0) & (ahead_s < 0.45)).mean())

    assert shifts_before_a_phrase(1.0) > 1.5 * shifts_before_a_phrase(0.0)


def test_each_phrase_is_planned_for_a_time_of_its_own(made_prosody: Make) -> None:
    prosody = made_prosody(ROWS)
    starts_s = phrases(prosody)[:, 0]
    shifts_s = plan(prosody, GazeSettings(planning=1.0)).shifts_s
    ahead_s = starts_s[np.clip(np.searchsorted(starts_s, shifts_s), 0, len(starts_s) - 1)] - shifts_s
    planned_s = ahead_s[(ahead_s > 0.09) & (ahead_s < 0.41)]
    assert np.unique(np.rint(planned_s * 50), return_counts=True)[1].max() < 0.3 * len(planned_s)  # 16 rows are likely


def test_leaps_of_gaze_follow_the_main_sequence() -> None:
    shifts = plan(Prosody(np.full(ROWS, -20, np.float32), np.full(ROWS, 120, np.float32)), GazeSettings())
    assert len(shifts.shifts_s) > 300
    speed = np.rad2deg(np.linalg.norm(np.diff(shifts.world, axis=0), axis=1)) * 50
    starts, ends = runs(speed > 1)
    sizes = np.rad2deg(np.linalg.norm(shifts.world[ends] - shifts.world[starts], axis=1))
    lasts_ms = 20 * (ends - starts)
    for low, high in ((2, 5), (8, 12), (15, 22)):
        chosen = (sizes > low) & (sizes < high)
        expected = 25 + 2.4 * sizes[chosen].mean()
        assert chosen.sum() >= 5
        assert lasts_ms[chosen].mean() == pytest.approx(expected, abs=21)  # a row is 20 ms


def test_eyes_go_to_what_is_looked_at_and_the_head_comes_after_them() -> None:
    rows = 500
    target = np.zeros((rows, 2), np.float32)
    target[200:] = np.deg2rad([40, 10])
    direction = Direction(look=Curves(target, LOOK, 50.0))
    settings = replace(
        Settings(), gaze=GazeSettings(at_listener=1.0), head=HeadSettings(sway_deg=0.0), blink=BlinkSettings(amount=0.0)
    )
    face = layers.perform(rest(rows), silent(rows), settings, direction)
    turned, eye = (np.rad2deg(face.column(name)) for name in ("headYaw", "leftEyeYaw"))
    assert abs(turned[199]) < 0.1
    assert turned[-1] == pytest.approx(0.8 * (40 - 17), abs=2.5)
    assert (turned + eye)[-100:].mean() == pytest.approx(40, abs=3)
    assert np.flatnonzero(np.abs(eye) > 15)[0] < np.flatnonzero(np.abs(turned) > 5)[0]
    assert np.abs(eye).max() <= np.rad2deg(EYE_UNIT_RAD) + 0.1
    assert np.abs(np.diff(turned)).max() * 50 < 150  # degrees a second
    near = Direction(look=Curves(np.tile(np.deg2rad([[12.0, 0.0]]), (rows, 1)).astype(np.float32), LOOK, 50.0))
    still = layers.perform(rest(rows), silent(rows), settings, near)
    assert np.abs(np.rad2deg(still.column("headYaw"))).max() < 1.5  # within 17 degrees the eyes go alone


@pytest.mark.parametrize("jump_deg", [10.0, 40.0, 80.0, 120.0])
def test_a_target_that_jumps_is_followed_no_faster_than_eyes_leap_however_far(jump_deg: float) -> None:
    rows = 400
    target = np.zeros((rows, 2), np.float32)
    target[:, 0] = np.deg2rad(jump_deg) * ((np.arange(rows) >= 200) - 0.5)
    world = np.rad2deg(plan(silent(rows), GazeSettings(at_listener=1.0), target).world)
    speed = np.abs(np.diff(world[:, 0]))[170:230] * 50
    leap_s = 0.025 + 0.0024 * jump_deg
    assert 150 < speed.max() < 600  # people reach 500 to 600 (Bahill et al. 1975)
    assert ((speed > 30).sum() - 3) / 50 < 1.3 * leap_s
    assert world[260, 0] - world[140, 0] == pytest.approx(jump_deg, abs=4)


def test_two_far_jumps_in_a_row_are_followed_without_a_break() -> None:
    target = np.zeros((400, 2), np.float32)
    target[200:, 0], target[210:, 0] = np.deg2rad(80), np.deg2rad(40)
    world = np.rad2deg(plan(silent(400), GazeSettings(at_listener=1.0), target).world[:, 0])
    assert np.abs(np.diff(world)).max() * 50 < 600
    assert np.abs(np.diff(world, 2)).max() * 50 < 250  # degrees a second, from one row to the next


def test_eyes_converge_on_what_is_near_by_rotation_and_by_shape_and_slowly() -> None:
    rows = 500
    look = np.zeros((rows, 3), np.float32)
    look[:, 0], look[250:, 2] = np.deg2rad(3), np.deg2rad(6)
    settings = replace(Settings(), gaze=GazeSettings(at_listener=1.0), blink=BlinkSettings(amount=0.0))
    asked = Direction(look=Curves(look, (*LOOK, INWARDS), 50.0))
    face = layers.perform(rest(rows), silent(rows), settings, asked)
    left, right = (np.rad2deg(face.column(f"{side}EyeYaw")) for side in ("left", "right"))
    np.testing.assert_allclose((left - right)[:230], 0, atol=1e-4)
    np.testing.assert_allclose((left - right)[270:], 12, atol=1e-3)
    assert np.abs(np.diff(left - right)).max() * 50 < 60  # degrees a second
    for side, towards_right in (("Left", left), ("Right", -right)):
        shape = face.column(f"eyeLookIn{side}") - face.column(f"eyeLookOut{side}")
        np.testing.assert_allclose(shape * np.rad2deg(EYE_UNIT_RAD), towards_right, atol=1e-3)
    aside = Direction(look=Curves(look + np.float32([0.6, 0, 0]), (*LOOK, INWARDS), 50.0))
    face = layers.perform(rest(rows), silent(rows), replace(settings, head=HeadSettings(amount=0.0)), aside)
    assert np.abs(face.select(channels.EYES).values).max() <= EYE_UNIT_RAD + 1e-6


def test_lids_follow_the_eyes_down() -> None:
    low = Direction(look=Curves(np.tile(np.deg2rad([[0.0, 15.0]]), (300, 1)).astype(np.float32), LOOK, 50.0))
    settings = replace(
        Settings(),
        gaze=GazeSettings(at_listener=1.0),
        head=HeadSettings(amount=0.0),
        blink=BlinkSettings(amount=0.0),
    )
    face = layers.perform(rest(300), silent(300), settings, low)
    down = face.column("eyeLookDownLeft")  # Apple's shape is the lids' part of a downward gaze
    assert down.mean() == pytest.approx(np.deg2rad(15) / EYE_UNIT_RAD, abs=0.06)
    np.testing.assert_allclose(down * EYE_UNIT_RAD, face.column("leftEyePitch"), atol=1e-5)


def test_blinks_begin_with_large_leaps_and_seldom_with_small_ones() -> None:
    def with_leaps(degrees: float) -> float:
        planned = leap(ROWS, 100, degrees, every=150)
        lids = blink(rest(ROWS), silent(ROWS), BlinkSettings(with_gaze=1.0, doubles=0.0), planned).column(
            "eyeBlinkLeft"
        )
        starts, _ = runs(lids > 0)
        nearest = np.abs(starts[:, np.newaxis] / 50 - planned.shifts_s).min(axis=0)
        return float((nearest < 0.05).mean())

    small, middle, large = with_leaps(4), with_leaps(17), with_leaps(40)
    assert small < 0.12
    assert small + 0.05 < middle < large
    assert large == pytest.approx(0.97, abs=0.05)  # Evinger et al. 1994: 97 % beyond 33 degrees


def test_gaze_does_not_make_more_blinks_of_small_leaps() -> None:
    planned = leap(ROWS, 100, 15, every=150)
    for given in (None, planned):
        lids = blink(rest(ROWS), silent(ROWS), BlinkSettings(), given).column("eyeBlinkLeft")
        assert len(runs(lids > 0.5)[0]) / 10 == pytest.approx(17, rel=0.15)


def test_some_blinks_are_double_and_the_rate_stays() -> None:
    lids = blink(rest(6 * ROWS), silent(6 * ROWS), BlinkSettings(doubles=0.2)).column("eyeBlinkLeft")
    starts, ends = runs(lids > 0.5)
    assert len(starts) / 60 == pytest.approx(17, rel=0.1)
    close = (starts[1:] - ends[:-1]) / 50 < 0.35
    assert close.sum() / len(starts) == pytest.approx(0.2 / 1.2, abs=0.05)


def test_squint_and_wide_eyes_give_way_to_a_blink_and_come_back() -> None:
    tense = rest(3_000).with_columns({"eyeSquintLeft": np.full(3_000, 0.6, np.float32)})
    face = blink(tense, silent(3_000), BlinkSettings())
    shut = face.column("eyeBlinkLeft")
    assert face.column("eyeSquintLeft")[shut > 0.999].max() < 0.001
    assert (face.column("eyeSquintLeft")[shut == 0] == np.float32(0.6)).all()


@pytest.mark.parametrize(("pitch_deg", "shape"), [(13.0, "eyeLookDown"), (-18.0, "eyeLookUp")])
def test_looks_up_and_down_leave_the_lids_to_a_blink_while_the_eyes_stay_turned(pitch_deg: float, shape: str) -> None:
    target = np.tile(np.deg2rad([[0.0, pitch_deg]]), (3_000, 1)).astype(np.float32)
    settings = replace(Settings(), gaze=GazeSettings(at_listener=1.0), head=HeadSettings(amount=0.0))
    face = layers.perform(rest(3_000), silent(3_000), settings, Direction(look=Curves(target, LOOK, 50.0)))
    shut, look = face.column("eyeBlinkLeft"), face.column(f"{shape}Left") * EYE_UNIT_RAD
    turned = np.abs(face.column("leftEyePitch"))
    assert (shut > 0.999).sum() > 5
    assert look[shut > 0.999].max() < 1e-3
    assert turned[shut > 0.999].min() > np.deg2rad(abs(pitch_deg) - 5)
    np.testing.assert_allclose(look[shut == 0], turned[shut == 0], atol=1e-5)


def test_cheeks_lift_on_stress_and_brows_go_down_where_stress_is_low_and_loud(made_prosody: Make) -> None:
    prosody = made_prosody(6_000)
    face = brows(rest(6_000), prosody, BrowsSettings())
    times_s, strengths = accents(prosody)
    rows = np.rint((times_s[strengths > 0.5] + 0.04) * 50).astype(int)
    cheek = face.column("cheekSquintLeft")
    assert cheek[rows[rows < 6_000]].mean() > 3 * cheek.mean()
    assert cheek.max() <= 0.12 * 1.25
    low = Prosody(prosody.loudness_db, np.where(prosody.pitch_hz > 0, 110, 0).astype(np.float32))
    down = brows(rest(6_000), low, BrowsSettings())
    assert down.column("browDownLeft").max() > 0.05
    assert down.column("browDownLeft").sum() > 2 * face.column("browDownLeft").sum()


def test_breath_comes_before_phrases_and_is_over_when_they_begin(made_prosody: Make) -> None:
    t = np.arange(6_000) / 50
    talking = (t % 5.0) > 1.4
    prosody = Prosody(np.where(talking, -25, -80).astype(np.float32), np.where(talking, 120, 0).astype(np.float32))
    face = breath(rest(6_000), prosody, BreathSettings())
    nostrils, jaw = face.column("noseSneerLeft"), face.column("jawOpen")
    starts, ends = runs(nostrils > 1e-4)
    assert len(starts) == len(phrases(prosody))
    lead_s = phrases(prosody)[:, 0] - ends / 50
    assert 0.15 <= lead_s.min() <= lead_s.max() <= 0.3
    lasts_s = (ends - starts) / 50
    assert lasts_s.min() > 0.31
    assert lasts_s.max() <= 0.72
    assert not nostrils[talking].any()
    assert 0.05 < nostrils.max() <= 0.15
    assert 0.01 < jaw.max() <= 0.025
    short_pauses = made_prosody(3_000).loudness_db.copy()
    short_pauses[short_pauses < -70] = -20
    assert (
        not breath(rest(3_000), Prosody(short_pauses, np.zeros(3_000, np.float32)), BreathSettings()).values[100:].any()
    )


def test_a_pause_too_short_for_a_breath_is_left_alone() -> None:
    talking = np.arange(1_000) / 50 % 3.0 > 0.6  # less what lips need after one phrase and before the next: 0.3 s
    prosody = Prosody(np.where(talking, -25, -80).astype(np.float32), np.where(talking, 120, 0).astype(np.float32))
    assert not breath(rest(1_000), prosody, BreathSettings()).values[50:].any()


def test_a_whole_performance_breathes_and_does_not_part_the_lips_in_speech(made_prosody: Make) -> None:
    said = rest(600)
    face = layers.perform(said, made_prosody(600), Settings(breath=BreathSettings(jaw=0.3)))
    spoken = made_prosody(600).loudness_db > -60
    assert lip_gap(face)[spoken].max() <= 0.02 + 1e-6


def test_micro_expressions_are_as_frequent_as_asked_small_short_and_one_sided() -> None:
    settings = MicroSettings(per_minute=6.0, size=0.12)
    face = micro(rest(6 * ROWS), silent(6 * ROWS), settings)
    values = face.select(channels.ARKIT).values
    assert values.max() <= 0.12 + 1e-6
    starts, ends = runs(values.max(axis=1) > 0)
    assert len(starts) / 60 == pytest.approx(6, rel=0.2)
    lasts_s = (ends - starts) / 50
    assert np.median(lasts_s) < 0.5  # Yan et al. 2013
    left, right = face.column("browOuterUpLeft"), face.column("browOuterUpRight")
    moved = np.maximum(left, right) > 0.03
    assert np.median(np.minimum(left, right)[moved] / np.maximum(left, right)[moved]) == pytest.approx(0.25, abs=0.05)
    assert abs((left > right)[moved].mean() - 0.5) < 0.25


def test_micro_expressions_leave_a_speaking_mouth_to_its_words() -> None:
    voice = Prosody(np.full(ROWS, -20, np.float32), np.full(ROWS, 120, np.float32))
    settings = MicroSettings(per_minute=60.0)
    said, hushed = (micro(rest(ROWS), prosody, settings) for prosody in (voice, silent(ROWS)))
    mouth = [name for name in channels.ARKIT if name.startswith("mouth")]
    assert said.select(mouth).values.max() < 0.4 * hushed.select(mouth).values.max()
    np.testing.assert_array_equal(said.column("browDownLeft"), hushed.column("browDownLeft"))


def test_sides_of_the_mouth_differ_as_in_real_takes(made_prosody: Make) -> None:
    both = np.full((1_000, 4), 0.3, np.float32)
    names = ("mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight")
    leans, wavers = [], []
    for seed in range(150):
        uneven = articulation(Curves(both, names, 50.0), made_prosody(1_000), ArticulationSettings(seed=seed))
        left, right = uneven.column("mouthSmileLeft"), uneven.column("mouthSmileRight")
        np.testing.assert_allclose(left + right, 0.6, atol=1e-5)
        leans.append(float(np.abs(np.median((left - right) / (left + right)))))
        wavers.append(float(((left - right) / (left + right)).std()))
    assert np.median(leans) == pytest.approx(0.04, abs=0.012)
    assert 0.005 < np.median(wavers) < 0.05  # two Live Link Face takes: .005 to .05 within a take
    even = articulation(Curves(both, names, 50.0), made_prosody(1_000), ArticulationSettings(asymmetry=0.0))
    assert even.values.tobytes() == both.tobytes()


def test_a_stiff_upper_lip_moves_less_and_the_lower_as_before(made_prosody: Make) -> None:
    names = ("mouthUpperUpLeft", "mouthUpperUpRight", "mouthLowerDownLeft", "jawOpen")
    said = Curves(np.full((50, 4), 0.3, np.float32), names, 50.0)
    stiff = articulation(said, made_prosody(50), ArticulationSettings(upper_lip=0.3, asymmetry=0.0))
    np.testing.assert_allclose(stiff.column("mouthUpperUpLeft"), 0.09, atol=1e-6)
    np.testing.assert_allclose(stiff.select(names[2:]).values, 0.3, atol=1e-6)


def test_muting_gaze_moves_neither_head_nor_blinks(made_prosody: Make) -> None:
    far = Direction(look=Curves(np.tile(np.deg2rad([[35.0, 5.0]]), (900, 1)).astype(np.float32), LOOK, 50.0))
    prosody, mute = made_prosody(900), replace(Settings(), gaze=GazeSettings(amount=0.0))
    full, without = (layers.perform(rest(900), prosody, chosen, far) for chosen in (Settings(), mute))
    kept = [name for name in channels.ALL if name not in channels.GROUPS["gaze"]]
    np.testing.assert_array_equal(full.select(kept).values, without.select(kept).values)
    assert not without.select(channels.GROUPS["gaze"]).values.any()


def test_gaze_by_itself_and_gaze_as_planned_are_the_same(made_prosody: Make) -> None:
    prosody, settings = made_prosody(700), GazeSettings(seed=3)
    planned = plan(prosody, settings)
    alone, given = gaze(rest(700), prosody, settings), gaze(rest(700), prosody, settings, planned)
    assert alone.values.tobytes() == given.values.tobytes()
    assert head(rest(700), prosody, HeadSettings()).values.shape == alone.values.shape


@pytest.mark.parametrize("seed", range(40))
def test_a_take_ends_with_open_eyes(seed: int, made_prosody: Make) -> None:
    for prosody in (silent(200), made_prosody(200)):
        lids = blink(rest(200), prosody, BlinkSettings(seed=seed, doubles=0.5)).column("eyeBlinkLeft")
        assert lids[-1] < 1e-3
