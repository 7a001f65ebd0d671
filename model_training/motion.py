"""How a mouth moves, beside whether it is on time: sealing, rest, jitter and speed. None of it enters the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .phones import Phone
from .targets import GUARD_S, Span, pauses, target_spans

Floats = npt.NDArray[np.float64]

RATE = 50  # frames a second that motion is judged at, so that systems of any rate compare
STILL = 0.02  # of the aperture's spread: smaller steps are no change of direction
SETTLE_S = 0.100  # a mouth may take this long to come to rest, and may leave it as early


@dataclass(frozen=True)
class Motion:
    """Shares are 0..1, None where nothing asked for it; speeds are the measure's unit a second."""

    jitter: float  # mean absolute second difference of the signals over their standard deviation
    reversals_per_s: float  # changes of direction of the aperture
    closures_sealed: float | None  # closures in which the lips really meet
    open_sealed: float | None  # open vowels through whose middle the lips are sealed: should be 0
    rest_in_silence: float | None  # of the settled part of long pauses
    peak_opening_per_s: float  # 99th percentile
    peak_closing_per_s: float


def describe(
    phones: Sequence[Sequence[Phone]], measured: Sequence[Mapping[str, Floats]], grid: int, sealed: float, parted: float
) -> Motion:
    """The motion of all takes together; measured holds each take's signals on a grid of so many frames a second."""
    step = grid // RATE
    signals = [{name: signal[::step] for name, signal in take.items()} for take in measured]
    velocity = np.concatenate([np.diff(take["aperture"]) * RATE for take in signals])
    seconds = sum(len(take["aperture"]) for take in signals) / RATE
    closing, opening = np.percentile(velocity, [1.0, 99.0]) if len(velocity) else (0.0, 0.0)
    return Motion(
        jitter=_jitter(signals),
        reversals_per_s=sum(_reversals(take["aperture"]) for take in signals) / seconds,
        closures_sealed=_share(
            [_lowest(take["gap"], span, grid, GUARD_S) <= sealed for span, take in _spans(phones, measured, "closure")]
        ),
        open_sealed=_share(
            [_lowest(take["gap"], _middle(span), grid) <= sealed for span, take in _spans(phones, measured, "open")]
        ),
        rest_in_silence=_rest(phones, measured, grid, parted),
        peak_opening_per_s=max(float(opening), 0.0),
        peak_closing_per_s=max(float(-closing), 0.0),
    )


def _spans(
    phones: Sequence[Sequence[Phone]], measured: Sequence[Mapping[str, Floats]], kind: str
) -> list[tuple[Span, Mapping[str, Floats]]]:
    return [(span, take) for one, take in zip(phones, measured, strict=True) for span in target_spans(one, kind)]


def _share(judged: Sequence[bool]) -> float | None:
    return float(np.mean(judged)) if judged else None


def _middle(span: Span) -> Span:
    quarter_s = (span.end_s - span.start_s) / 4
    return Span(span.start_s + quarter_s, span.end_s - quarter_s)


def _lowest(signal: Floats, span: Span, grid: int, widened_s: float = 0.0) -> float:
    """The lowest value within a span, which always holds at least one frame."""
    first = min(max(round((span.start_s - widened_s) * grid), 0), len(signal) - 1)
    return float(signal[first : max(round((span.end_s + widened_s) * grid), first + 1)].min())


def _jitter(signals: Sequence[Mapping[str, Floats]]) -> float:
    """Mean absolute second difference over standard deviation, averaged over the signals that move at all."""
    ratios = []
    for name in ("aperture", "rounding", "labiodental", "spread"):
        spread = np.concatenate([take[name] for take in signals]).std()
        bends = np.concatenate([np.abs(np.diff(take[name], n=2)) for take in signals])
        if spread > 1e-4 and len(bends):
            ratios.append(bends.mean() / spread)
    return float(np.mean(ratios)) if ratios else 0.0


def _reversals(aperture: Floats) -> int:
    """How often the lips change between opening and closing."""
    steps = np.diff(aperture)
    directions = np.sign(steps[np.abs(steps) > STILL * aperture.std()])
    return int((directions[1:] != directions[:-1]).sum())


def _rest(
    phones: Sequence[Sequence[Phone]], measured: Sequence[Mapping[str, Floats]], grid: int, parted: float
) -> float | None:
    """The share of silent frames with the lips together; the first and last SETTLE_S of a pause are left out."""
    quiet = [
        take["gap"][round((span.start_s + SETTLE_S) * grid) : round((span.end_s - SETTLE_S) * grid)]
        for one, take in zip(phones, measured, strict=True)
        for span in pauses(one)
    ]
    together = np.concatenate(quiet) <= parted if quiet else np.zeros(0, bool)
    return float(together.mean()) if len(together) else None
