"""One class over many takes laid end to end: frames, peaks and events, and what AUC, F1 and lag they give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import minimum_filter1d
from scipy.signal import find_peaks
from scipy.stats import rankdata

from . import targets
from .phones import Phone
from .targets import COUNTER, NEITHER, SILENCE, TARGET, Events

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

GRID = 100  # frames a second that everything is judged on, whatever the curves' own rate
BREAK = GRID  # frames of nothing between takes, so that no shift below a second reaches the next
PROMINENCE = 0.30  # of a take's standard deviation: smaller ripples are no gesture
REST_HELD_S = 0.150  # lips closed for less than this are a closure, not rest
ROTATIONS = (0.2, 0.4, 0.6, 0.8)  # of a take's length, for the chance level of F1
LOW = -30.0  # below every standardised signal


@dataclass(frozen=True)
class Lane:
    """One class on the timeline: labels (T,), events in seconds, standardised signals (T,) and where these may peak."""

    labels: npt.NDArray[np.int8]
    events: Events
    signal: Floats  # for AUC
    gesture: Floats  # for peaks: the same, but for rest, which has to last
    judged: Bools
    first_s: Floats  # of the takes, (takes,)
    length_s: Floats


@dataclass(frozen=True)
class _Peaks:
    """Peaks that count: when, how high, which event each one serves (-1: none) and whether it is that event's hit."""

    times_s: Floats
    heights: Floats
    event: Integers
    hit: Bools


def lay_out(kind: str, takes: Sequence[Sequence[Phone]], measured: Sequence[Mapping[str, Floats]]) -> Lane:
    """One class of every take, end to end with a BREAK before, between and after."""
    gap = np.zeros(BREAK)
    labels, signals, gestures, judged = [np.full(BREAK, NEITHER, np.int8)], [gap], [gap], [gap.astype(bool)]
    found: list[Events] = []
    first_s, length_s = [], []
    at = BREAK
    for phones, signal_of in zip(takes, measured, strict=True):
        signal, spoken = _standard(kind, phones, signal_of)
        held = minimum_filter1d(signal, round(REST_HELD_S * GRID) | 1, mode="nearest") if kind == SILENCE else signal
        start_s, end_s, asked = targets.events(targets.target_spans(phones, kind))
        allowed = np.full_like(asked, len(signal)) if kind == SILENCE else asked  # a long rest may stir
        found.append(Events(start_s + at / GRID, end_s + at / GRID, allowed))
        labels += [targets.frames(phones, kind, len(signal), GRID), labels[0]]
        signals += [signal, gap]
        gestures += [held, gap]
        judged += [spoken, judged[0]]
        first_s.append(at / GRID)
        length_s.append(len(signal) / GRID)
        at += len(signal) + BREAK
    return Lane(
        labels=np.concatenate(labels),
        events=Events(*(np.concatenate(column) for column in zip(*found, strict=True))),
        signal=np.concatenate(signals),
        gesture=np.concatenate(gestures),
        judged=np.concatenate(judged),
        first_s=np.array(first_s),
        length_s=np.array(length_s),
    )


def _standard(kind: str, phones: Sequence[Phone], signal_of: Mapping[str, Floats]) -> tuple[Floats, Bools]:
    """A take's signal for a class in standard deviations of its speech, (T,), and where it may peak, (T,)."""
    signal = targets.CLASSES[kind].sign * signal_of[targets.CLASSES[kind].signal]
    spoken = np.ones(len(signal), bool)
    if kind != SILENCE:
        for pause in targets.pauses(phones):
            spoken[round(pause.start_s * GRID) : round(pause.end_s * GRID)] = False
    spread = signal[spoken].std() if spoken.any() else 0.0
    if spread < 1e-4:  # a channel that rests for the whole take has no peaks
        return np.zeros(len(signal)), np.zeros(len(signal), bool)
    return (signal - signal[spoken].mean()) / spread, spoken


def delayed(lane: Lane, lag_s: float) -> Lane:
    """The lane with its signals that much later."""
    shift = round(lag_s * GRID)
    return replace(lane, signal=np.roll(lane.signal, shift), gesture=np.roll(lane.gesture, shift))


def f1(lane: Lane, tolerance_s: float) -> float:
    """The best F1 over all thresholds of the lane's peaks against events widened by the tolerance."""
    return _best_f1(_assign(lane, *_find_peaks(lane), tolerance_s), len(lane.events.phones))[0]


def auc(lane: Lane) -> float | None:
    """The chance that a target frame's signal is above a counter-example's; ties count half, None has no frames."""
    labels = lane.labels[lane.labels != NEITHER]
    wanted = int((labels == TARGET).sum())
    others = int((labels == COUNTER).sum())
    if not wanted or not others:
        return None
    ranks = rankdata(lane.signal[lane.labels != NEITHER])
    above = ranks[labels == TARGET].sum() - wanted * (wanted + 1) / 2
    return float(above / (wanted * others))


def _find_peaks(lane: Lane) -> tuple[Floats, Floats]:
    """When the signal peaks, in seconds, and how high; a plateau peaks in its middle."""
    signal = np.where(lane.judged, lane.gesture, LOW)
    longest = 2 * round(lane.length_s.max() * GRID) + 3  # so that a window around any plateau shows both its ends
    peaks, _ = find_peaks(signal, prominence=PROMINENCE, wlen=longest)
    return peaks / GRID, signal[peaks]


def _assign(lane: Lane, times_s: Floats, heights: Floats, tolerance_s: float) -> _Peaks:
    """Each peak serves the nearest event within the tolerance, and the highest of an event is its hit.

    A gesture that n phones ask for forgives n peaks, a pause any number; other peaks are false where the labels call
    the frame a counter-example, and prove nothing elsewhere.
    """
    start_s, end_s, phones = lane.events
    nearest = _nearest(times_s, start_s, end_s, tolerance_s)
    order = np.lexsort((-heights, nearest))
    times_s, heights, nearest = times_s[order], heights[order], nearest[order]
    rank = np.arange(len(nearest)) - np.searchsorted(nearest, nearest)  # 0 for the highest peak of an event
    served = nearest >= 0
    hit = served & (rank == 0)
    label = lane.labels[np.clip(np.round(times_s * GRID).astype(int), 0, len(lane.labels) - 1)]
    forgiven = served & (rank < phones[nearest]) if len(phones) else served
    false = ~hit & ~forgiven & (label != NEITHER)
    keep = hit | false
    return _Peaks(times_s[keep], heights[keep], np.where(served, nearest, -1)[keep], hit[keep])


def _nearest(times_s: Floats, start_s: Floats, end_s: Floats, tolerance_s: float) -> Integers:
    """The index of the event that is nearest to each time and at most tolerance_s away, else -1."""
    if not len(start_s):
        return np.full(len(times_s), -1, np.int64)
    after = np.clip(np.searchsorted(start_s, times_s), 0, len(start_s) - 1)
    pair = np.stack([np.maximum(after - 1, 0), after])  # (2, peaks): the events that start before and after the peak
    distance_s = np.maximum(np.maximum(start_s[pair] - times_s, times_s - end_s[pair]), 0)
    choice = np.argmin(distance_s, axis=0)
    rows = np.arange(len(times_s))
    return np.where(distance_s[choice, rows] <= tolerance_s + 1e-6, pair[choice, rows], -1)


def _best_f1(peaks: _Peaks, event_count: int) -> tuple[float, float]:
    """The best F1 over all thresholds, and the threshold that gives it."""
    if not len(peaks.heights) or not event_count:
        return 0.0, np.inf
    order = np.argsort(-peaks.heights)
    heights = peaks.heights[order]
    hits = np.cumsum(peaks.hit[order])
    scores = 2 * hits / (np.arange(1, len(hits) + 1) + event_count)
    scores[:-1][heights[:-1] == heights[1:]] = 0  # a threshold can't part peaks of one height
    best = int(np.argmax(scores))
    return float(scores[best]), float(heights[best])


def chance_f1(lane: Lane, tolerance_s: float) -> float:
    """The best F1 of the same peaks when every take is rotated against its labels, averaged over ROTATIONS."""
    times_s, heights = _find_peaks(lane)
    take = np.searchsorted(lane.first_s, times_s, side="right") - 1
    by_luck = []
    for share in ROTATIONS:
        within_s = (times_s - lane.first_s[take] + share * lane.length_s[take]) % lane.length_s[take]
        rotated = _assign(lane, lane.first_s[take] + within_s, heights, tolerance_s)
        by_luck.append(_best_f1(rotated, len(lane.events.phones))[0])
    return float(np.mean(by_luck))


def offset_ms(lane: Lane, tolerance_s: float) -> tuple[float | None, float | None]:
    """How late the hits are against the middle of their events: median and interquartile range, None without hits."""
    peaks = _assign(lane, *_find_peaks(lane), tolerance_s)
    threshold = _best_f1(peaks, len(lane.events.phones))[1]
    hit = peaks.hit & (peaks.heights >= threshold)
    if not hit.any():
        return None, None
    middle_s = (lane.events.start_s + lane.events.end_s)[peaks.event[hit]] / 2
    low, median, high = np.percentile(1000 * (peaks.times_s[hit] - middle_s), [25, 50, 75])
    return float(median), float(high - low)


def correlation_lag_ms(lanes: Iterable[Lane]) -> float:
    """The lag in ms at which signals and targets correlate best; classes that never move say nothing."""
    lags = np.arange(-25, 26)  # frames: a quarter of a second either way
    total = np.zeros(len(lags))
    for lane in lanes:
        wanted = np.where(lane.labels == TARGET, 1.0, np.where(lane.labels == COUNTER, 0.0, np.nan))
        if np.isnan(wanted).all():
            continue
        wanted = np.nan_to_num(wanted - np.nanmean(wanted))
        shown = np.where(lane.judged, lane.signal, 0.0)
        scale = np.linalg.norm(wanted) * np.linalg.norm(shown)
        if scale > 0:
            total += np.array([wanted @ np.roll(shown, -lag) for lag in lags]) / scale
    best = int(np.argmax(total))
    return float(1000 * lags[best] / GRID) if total.any() else 0.0
