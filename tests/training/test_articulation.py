from __future__ import annotations

import numpy as np
import pytest

from addon.core.channels import ARKIT
from addon.core.curves import lip_gap
from model_training.articulation import CHANNELS, GESTURES, teacher_curves
from model_training.phones import INVENTORY, Phone, energy_db


def line(names: str, each_s: float = 0.1) -> list[Phone]:
    return [Phone(name, i * each_s, (i + 1) * each_s) for i, name in enumerate(names.split())]


def row(time_s: float) -> int:
    return round(time_s * 50)


def test_every_phone_has_a_gesture_and_every_channel_is_arkits() -> None:
    assert set(INVENTORY) <= set(GESTURES) | {"ay", "aw", "oy"}
    assert set(CHANNELS) <= set(ARKIT)


@pytest.mark.parametrize("closure", ["p", "b", "m"])
@pytest.mark.parametrize("vowel", ["aa", "iy", "uw"])
def test_m_b_p_close_the_lips_between_any_vowels(closure: str, vowel: str) -> None:
    curves = teacher_curves(line(f"{vowel} {closure} {vowel}"), 0.3)
    assert lip_gap(curves)[row(0.1) : row(0.14) + 1].max() <= 0.02
    assert lip_gap(curves)[[row(0.04), row(0.26)]].min() > 0.04


@pytest.mark.parametrize(("burst_s", "name"), [(0.24, "b"), (0.3, "p")])
def test_lips_part_when_a_stop_bursts(burst_s: float, name: str) -> None:
    phones = [Phone("aa", 0, 0.2), Phone(name, 0.2, 0.34, burst_s), Phone("aa", 0.34, 0.6)]
    gap = lip_gap(teacher_curves(phones, 0.6))
    assert gap[row(0.2) : row(burst_s) + 1].max() <= 0.02
    assert gap[row(burst_s + 0.06)] > 0.04


def test_even_a_closure_of_twenty_milliseconds_seals() -> None:
    phones = [Phone("aa", 0, 0.2), Phone("b", 0.2, 0.22), Phone("aa", 0.22, 0.4)]
    assert lip_gap(teacher_curves(phones, 0.4)).min() <= 0.02


@pytest.mark.parametrize("sound", ["f", "v"])
def test_f_v_bring_the_lower_lip_to_the_teeth(sound: str) -> None:
    curves = teacher_curves(line(f"aa {sound} aa"), 0.3)
    middle = row(0.14)
    assert 0.33 < curves.column("mouthRollLower")[middle] < 0.42  # less does not reach them, more lies behind them
    assert curves.column("jawOpen")[middle] < 0.15
    assert curves.column("mouthRollLower")[row(0.0)] < 0.4 * curves.column("mouthRollLower")[middle]


def test_lips_round_before_the_rounded_sound_begins() -> None:
    curves = teacher_curves(line("s t r uw", 0.08), 0.32)
    pucker = curves.column("mouthPucker")
    assert pucker[row(0.16)] > 0.3 * pucker.max() > 0


def test_tongue_sounds_leave_the_lips_to_their_neighbours() -> None:
    alone = teacher_curves(line("uw n uw"), 0.3).column("mouthPucker")[row(0.14)]
    assert alone > 0.35


def test_spread_sounds_are_gestures_of_their_own_though_corners_stay_back_between_them() -> None:
    stretch = teacher_curves(line("iy n iy", 0.08), 0.24).column("mouthStretchLeft")
    apart, between = stretch[[row(0.02), row(0.22)]].min(), stretch[row(0.1) : row(0.16)].min()
    assert 0.6 * apart < between < 0.85 * apart


def test_sibilants_narrow_the_jaw() -> None:
    jaw = teacher_curves(line("aa s aa", 0.12), 0.36).column("jawOpen")
    assert jaw[row(0.18)] < 0.4 * jaw.max()


def test_the_mouth_rests_in_pauses_and_never_leaves_its_range() -> None:
    phones = [Phone("sil", 0, 0.5), *[Phone(p.name, p.start_s + 0.5, p.end_s + 0.5) for p in line("m aa p s")]]
    curves = teacher_curves([*phones, Phone("sil", 0.9, 1.5)], 1.5)
    assert curves.values[: row(0.3)].max() < 0.02
    assert curves.values[row(1.2) :].max() < 0.02
    assert curves.values.min() >= 0
    assert curves.values.max() <= 1
    assert np.all(curves.column("mouthClose") <= curves.column("jawOpen") + 1e-6)


def test_the_mouth_rests_in_the_last_pause_whatever_was_bridged_before_it() -> None:
    spoken, pause = line("sil eh t", 0.3), Phone("sil", 0.9, 1.0)
    phones = [*spoken, pause, Phone("s", 1.0, 1.2), Phone("eh", 1.2, 1.4), Phone("sil", 1.4, 1.59)]
    assert teacher_curves(phones, 1.59).column("jawOpen")[-1] < 0.02


def test_a_short_pause_is_bridged_however_many_diphthongs_came_before_it() -> None:
    said = [*line("sil ay aw oy", 0.3), Phone("s", 1.2, 1.3), Phone("aa", 1.3, 1.5)]
    later = [Phone("aa", 1.65, 1.85), Phone("sil", 1.85, 2.2)]
    bridged = teacher_curves([*said, *later], 2.2)
    paused = teacher_curves([*said, Phone("sil", 1.5, 1.65), *later], 2.2)
    np.testing.assert_array_equal(paused.values, bridged.values)


def test_loud_vowels_open_further_than_soft_ones() -> None:
    loudness = np.where(np.arange(60) < 30, -30.0, -15.0).astype(np.float32)
    jaw = teacher_curves(line("aa t aa t aa t", 0.2), 1.2, loudness).column("jawOpen")
    assert jaw[row(0.9)] > 1.15 * jaw[row(0.1)]


def test_no_phones_are_a_face_at_rest() -> None:
    assert not teacher_curves([], 0.5).values.any()


@pytest.mark.parametrize("hops", [1, 2, 3, 4])
def test_loudness_has_a_frame_a_hop_however_few_they_are(hops: int) -> None:
    loud = energy_db(np.full(320 * hops - 10, 0.1, np.float32), 16_000, 0.02)
    assert loud.shape == (hops,)
    assert loud.max() == pytest.approx(-20 if hops > 2 else -20 + 10 * np.log10(hops / 3), abs=0.2)
