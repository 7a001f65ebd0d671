"""Pauses from energy: an aligner's own silence boundaries are 30 ms off, and it hears pauses in closures of stops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from addon.core.audio import RATE as SAMPLE_RATE

from .phones import STOPS, Phone, energy_db

FRAME_S = 0.01
QUIET_RUN_S = 0.06  # a shorter dip in energy is part of a phone
LONG_PAUSE_S = 0.2  # a dip this long is a pause even where the aligner heard none
SHORTEST_PHONE_S = 0.04
CLOSURE_S = 0.12  # of a stop that follows a pause, and its release: it is as quiet as the pause
NEAR_S = 0.05  # what an aligner's boundary may be off by, here and there


def settle_pauses(phones: Sequence[Phone], samples: npt.NDArray[np.float32]) -> tuple[Phone, ...]:
    """The same phones with pauses where the energy says: the aligner's own silence boundaries are 30 ms off."""
    loud = energy_db(samples, SAMPLE_RATE, FRAME_S)
    floor, peak = np.percentile(loud, [5, 95])
    runs = _runs(loud < floor + 0.25 * (peak - floor))
    spoken = [p for p in phones if p.name != "sil"]
    heard = [p for p in phones if p.name == "sil"]
    settled: list[Phone] = []
    for index, phone in enumerate(spoken):
        last = index == len(spoken) - 1
        following = np.inf if last else spoken[index + 1].start_s
        start_s, end_s = phone.start_s, phone.end_s
        if index == 0:
            start_s = _speech_starts(phone, runs)
        gap = next((r for r in runs if _is_pause(r, phone, following, heard, last)), None)
        moves = gap is not None and not last and spoken[index + 1].name not in STOPS and abs(gap[1] - following) < 0.12
        if gap is None and not last:
            gap = next(filter(None, (_swallowed(r, phone, spoken[index + 1]) for r in runs)), None)
            moves = gap is not None
        if gap is not None:
            end_s = min(max(gap[0], start_s + SHORTEST_PHONE_S), end_s if phone.name in STOPS else np.inf)
        if gap is not None and moves:
            after = spoken[index + 1]
            spoken[index + 1] = after._replace(start_s=min(max(gap[1], end_s), after.end_s - SHORTEST_PHONE_S))
        settled.append(Phone(phone.name, start_s, end_s))
    return _with_pauses(settled, len(samples) / SAMPLE_RATE)


def _runs(quiet: npt.NDArray[np.bool_]) -> list[tuple[float, float]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]]).astype(np.int8)))
    spans = [(a * FRAME_S, b * FRAME_S) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return [(a, b) for a, b in spans if b - a >= QUIET_RUN_S]


def _speech_starts(phone: Phone, runs: Iterable[tuple[float, float]]) -> float:
    """Where the first phone begins: after the quiet that its aligned span takes in, a stop's closure excepted."""
    if phone.name in STOPS:
        return max(phone.start_s, phone.end_s - CLOSURE_S)
    ends = [b for a, b in runs if a <= phone.start_s < b]
    return min(max([phone.start_s, *ends]), phone.end_s - SHORTEST_PHONE_S)


def _is_pause(run: tuple[float, float], phone: Phone, following_s: float, heard: Iterable[Phone], last: bool) -> bool:
    """Whether a quiet run is the pause after this phone: the aligner heard one there, or it is long, or the end."""
    start, end = run
    if end <= phone.start_s + SHORTEST_PHONE_S or start >= (following_s if not last else np.inf):
        return False
    agreed = any(s.start_s < end and start < s.end_s for s in heard) and start >= phone.start_s
    long = (
        end - start >= LONG_PAUSE_S and start > phone.start_s and phone.name not in STOPS and end <= following_s + 0.05
    )
    return agreed or long or (last and start > phone.start_s)


def _swallowed(run: tuple[float, float], phone: Phone, following: Phone) -> tuple[float, float] | None:
    """The pause between two phones that the aligner took for the beginning of the second, or None.

    A soft th or dh is as quiet as the pause before it, so some of it is left to the phone in any case.
    """
    start_s = max(run[0], phone.end_s) if phone.name in STOPS else run[0]
    kept_s = CLOSURE_S if following.name in STOPS else SHORTEST_PHONE_S
    end_s = min(run[1], following.end_s - kept_s)
    begins = phone.start_s + SHORTEST_PHONE_S < start_s <= following.start_s + NEAR_S
    ends = following.start_s + NEAR_S < run[1] <= following.end_s + NEAR_S
    return (start_s, end_s) if begins and ends and end_s - start_s >= LONG_PAUSE_S else None


def _with_pauses(phones: Sequence[Phone], duration_s: float) -> tuple[Phone, ...]:
    """Pauses named 'sil' wherever two phones, or the ends of the file, lie apart."""
    whole: list[Phone] = []
    at = 0.0
    for phone in phones:
        start_s = max(phone.start_s, at)
        end_s = min(max(phone.end_s, start_s + FRAME_S), duration_s)
        if end_s <= start_s:
            continue
        if start_s - at > 0.015:
            whole.append(Phone("sil", at, start_s))
        elif whole:
            start_s = at
        whole.append(Phone(phone.name, start_s, end_s))
        at = end_s
    if duration_s - at > 0.015:
        whole.append(Phone("sil", at, duration_s))
    return tuple(whole)
