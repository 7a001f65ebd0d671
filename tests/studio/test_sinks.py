from __future__ import annotations

import numpy as np
import pytest

from addon.studio.sinks import DayClock

DAY_S = 86_400.0
EVENING_S = DAY_S - 600.0  # ten minutes before midnight


def row_is_off_s(clock: DayClock, sound_s: float, now_s: float) -> float:
    """How far the time of day that a row just heard is given lies before the day's."""
    return (now_s - clock.began_s(sound_s, now_s % DAY_S) - sound_s + DAY_S / 2) % DAY_S - DAY_S / 2


def test_packets_keep_to_the_day_where_sound_was_lost() -> None:
    clock = DayClock()
    off_s = [
        row_is_off_s(clock, hop / 50, EVENING_S + hop / 50 + (3.0 if hop > 400 else 0.0)) for hop in range(1, 1000)
    ]
    assert off_s[:400] == pytest.approx([0.0] * 400, abs=1e-6)
    assert off_s[-1] == pytest.approx(0.0, abs=1e-6)


def test_sound_that_was_only_held_back_moves_no_packet() -> None:
    clock = DayClock()
    for hop in range(1, 2000):
        clock.began_s(hop / 50, EVENING_S + max(hop / 50, 12.0 if 400 < hop < 600 else 0.0))
    assert clock.began_s(40.0, EVENING_S + 40.0) == pytest.approx(EVENING_S)


def test_sound_that_was_held_back_for_long_moves_packets_only_until_it_has_come_in() -> None:
    clock = DayClock()
    held_s = [0.0] * 500 + [4.0] * 1000 + [0.0] * 500
    off_s = [row_is_off_s(clock, hop / 50, EVENING_S + hop / 50 + late_s) for hop, late_s in enumerate(held_s, 1)]
    assert off_s[1499] == pytest.approx(0.0, abs=1e-6)
    assert off_s[-1] == pytest.approx(0.0, abs=1e-6)


def test_a_microphone_that_samples_slowly_keeps_to_the_day_for_hours_and_over_midnight() -> None:
    clock = DayClock()
    off_s = [row_is_off_s(clock, hop / 50, EVENING_S + hop / 50 * 1.0002) for hop in range(1, 2 * 3600 * 50, 5)]
    assert max(off_s) < 0.15
    assert min(off_s) > -0.01


def test_sound_that_comes_faster_than_it_is_spoken_moves_no_packet() -> None:
    clock = DayClock()
    assert len({clock.began_s(hop / 50, EVENING_S + hop / 500) for hop in range(1, 5000)}) == 1


def test_sound_that_had_waited_before_it_was_first_heard_is_given_its_own_time() -> None:
    clock = DayClock()
    off_s = [row_is_off_s(clock, hop / 50, EVENING_S + max(hop / 50, 1.5)) for hop in range(1, 1000)]
    assert off_s[-1] == pytest.approx(0.0, abs=1e-6)


def test_a_microphone_that_samples_fast_keeps_to_the_day_too() -> None:
    clock = DayClock()
    off_s = [row_is_off_s(clock, hop / 50, EVENING_S + hop / 50 * 0.9998) for hop in range(1, 2 * 3600 * 50, 5)]
    assert min(off_s) > -0.15
    assert max(off_s) < 0.01


def test_a_machine_that_is_too_busy_moves_no_packet() -> None:
    clock = DayClock()
    late_s = np.repeat(np.tile([0.0, 1.5, 0.4, 0.9, 0.2], 20), 125)
    assert len({clock.began_s(hop / 50, EVENING_S + hop / 50 + late) for hop, late in enumerate(late_s, 1)}) == 1
