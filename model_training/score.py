"""The articulation score: does what a viewer sees a mouth do happen when the phones ask for it?

Takes of phone-labelled speech and the curves a system made for it are laid end to end on one timeline. Six classes
(targets.py) are each judged twice: by AUC, the chance that a target frame shows more of the class's signal than another
spoken frame; and by the F1 of the signal's peaks against the target events. Both are corrected for chance,
averaged, weighted by class and given as 0 (chance) to 100, as delivered: nothing is shifted to help a late mouth.

Chance for AUC is one half. Chance for F1 is what the very same peaks reach, at their best threshold, when every take is
rotated against its labels: a mouth that chatters hits something by luck, a mouth that never moves hits nothing.

Signals count in the deviations of their take, so the score knows when and which, not how far: at a hundredth of its
weights a mouth scores the same. That closures seal, that open vowels do not, and rest stand beside it (motion.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from addon.core.curves import Curves, lip_gap

from . import motion, timeline
from .phones import Phone
from .targets import CLASSES, merge_pauses
from .timeline import GRID, Lane

Floats = npt.NDArray[np.float64]

TOLERANCES_MS = (20, 40, 80)
COUNTED_MS = 40  # the tolerance that enters the score
LAGS_MS = range(-120, 121, 20)

# Left and right averaged; one public definition for everybody, so that no system gains by a private one.
SIGNALS: dict[str, dict[str, float]] = {
    "aperture": {
        "jawOpen": 1.0, "mouthClose": -1.0, "mouthFunnel": 0.30, "mouthLowerDown": 0.25, "mouthUpperUp": 0.20,
        "mouthPress": -0.12, "mouthRollLower": -0.08, "mouthRollUpper": -0.08, "mouthShrugLower": -0.08,
        "mouthPucker": -0.05,
    },
    "rounding": {"mouthPucker": 1.0, "mouthFunnel": 0.8, "mouthStretch": -0.4, "mouthSmile": -0.3},
    "labiodental": {
        "mouthRollLower": 1.0, "mouthUpperUp": 0.35, "mouthRollUpper": -0.7, "mouthPress": -0.35,
        "mouthLowerDown": -0.25,
    },
    "spread": {
        "mouthStretch": 1.0, "mouthSmile": 0.8, "mouthDimple": 0.5, "mouthPucker": -0.7, "mouthFunnel": -0.5,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Measure:
    """How curves become signals: `signals` gives aperture, rounding, labiodental, spread and gap, each (T,).

    The lips are sealed where gap is at most `sealed`, and apart at rest by no more than `parted`, both in `unit`.
    """

    name: str
    signals: Callable[[Curves], Mapping[str, Floats]]
    sealed: float
    parted: float
    unit: str


def linear_signals(curves: Curves) -> dict[str, Floats]:
    """The signals as sums of weights, (T,) each."""

    def column(name: str) -> Floats:
        if f"{name}Left" in curves.names or f"{name}Right" in curves.names:
            return (curves.column(f"{name}Left").astype(np.float64) + curves.column(f"{name}Right")) / 2
        return curves.column(name).astype(np.float64)

    signals = {
        signal: np.sum([weight * column(name) for name, weight in weights.items()], axis=0)
        for signal, weights in SIGNALS.items()
    }
    return {**signals, "gap": lip_gap(curves).astype(np.float64)}


LINEAR = Measure("weights", linear_signals, sealed=0.02, parted=0.05, unit="weight")


@dataclass(frozen=True)
class Take:
    """One utterance: its phones, and what a system made of it."""

    phones: Sequence[Phone]
    curves: Curves


@dataclass(frozen=True)
class ClassScore:
    """One class: both views, what luck gives, and the score, 0..1; None where the takes hold nothing to judge."""

    auc: float | None
    f1: dict[str, float]  # tolerance in ms to F1 at that tolerance's best threshold
    chance_f1: float
    events: int
    score: float | None


@dataclass(frozen=True)
class Score:
    """The articulation score, 0 for chance to 100, and what stands beside it; a late mouth has a positive lag."""

    measure: str
    unit: str
    takes: int
    seconds: float
    score: float
    classes: dict[str, ClassScore]
    best_lag_ms: int
    best_lag_score: float
    correlation_lag_ms: float
    closure_offset_ms: float | None  # the lips' meeting against the middle of the closure, median
    closure_spread_ms: float | None  # interquartile range of the same
    motion: motion.Motion


def articulation_score(takes: Iterable[Take | tuple[Sequence[Phone], Curves]], measure: Measure = LINEAR) -> Score:
    """How well the curves of these takes articulate their phones, seen through `measure`."""
    given = [take if isinstance(take, Take) else Take(*take) for take in takes]
    if not given or not all(take.phones and len(take.curves.values) for take in given):
        raise ValueError("the score needs at least one take, and in every take a phone and a row of curves")
    phones = [merge_pauses(take.phones) for take in given]
    measured = [_on_grid(take, measure) for take in given]
    lanes = {kind: timeline.lay_out(kind, phones, measured) for kind in CLASSES}
    chance = {kind: timeline.chance_f1(lane, COUNTED_MS / 1000) for kind, lane in lanes.items()}
    classes = {kind: _judge(lane, chance[kind], TOLERANCES_MS) for kind, lane in lanes.items()}
    by_lag = {lag_ms: _score_without_lag(lanes, chance, lag_ms) for lag_ms in LAGS_MS}
    best_lag_ms = max(by_lag, key=by_lag.__getitem__)
    offset_ms, spread_ms = timeline.offset_ms(lanes["closure"], max(TOLERANCES_MS) / 1000)
    return Score(
        measure=measure.name,
        unit=measure.unit,
        takes=len(given),
        seconds=float(sum(one[-1].end_s for one in phones)),
        score=aggregate(classes),
        classes=classes,
        best_lag_ms=best_lag_ms,
        best_lag_score=by_lag[best_lag_ms],
        correlation_lag_ms=timeline.correlation_lag_ms(lanes.values()),
        closure_offset_ms=offset_ms,
        closure_spread_ms=spread_ms,
        motion=motion.describe(phones, measured, GRID, measure.sealed, measure.parted),
    )


def aggregate(classes: Mapping[str, ClassScore]) -> float:
    """The weighted mean of the classes that could be judged, 0 to 100; bad luck comes out a little below 0."""
    scores = {kind: one.score for kind, one in classes.items() if one.score is not None}
    weights = sum(CLASSES[kind].weight for kind in scores)
    return 100 * sum(CLASSES[kind].weight * score for kind, score in scores.items()) / weights if scores else 0.0


def _score_without_lag(lanes: Mapping[str, Lane], chance: Mapping[str, float], lag_ms: int) -> float:
    """The aggregate that a mouth earlier by lag_ms would have."""
    earlier = {kind: timeline.delayed(lane, -lag_ms / 1000) for kind, lane in lanes.items()}
    return aggregate({kind: _judge(lane, chance[kind], (COUNTED_MS,)) for kind, lane in earlier.items()})


def _judge(lane: Lane, chance_f1: float, tolerances_ms: Sequence[int]) -> ClassScore:
    """Both views of a class, and their chance-corrected mean."""
    auc = timeline.auc(lane)
    f1 = {str(tolerance_ms): timeline.f1(lane, tolerance_ms / 1000) for tolerance_ms in tolerances_ms}
    events = len(lane.events.phones)
    if auc is None or not events:
        return ClassScore(auc, f1, chance_f1, events, None)
    by_frame = 2 * auc - 1
    by_event = (f1[str(COUNTED_MS)] - chance_f1) / (1 - chance_f1) if chance_f1 < 1 else 0.0
    return ClassScore(auc, f1, chance_f1, events, (by_frame + by_event) / 2)


def _on_grid(take: Take, measure: Measure) -> dict[str, Floats]:
    """The take's signals at GRID frames a second, as long as its phones; a take that ends early holds its last row."""
    curves = take.curves
    at_s = np.arange(len(curves.values)) / curves.rate
    grid_s = np.arange(max(round(take.phones[-1].end_s * GRID), 1)) / GRID
    return {name: np.interp(grid_s, at_s, signal) for name, signal in measure.signals(curves).items()}


def report(score: Score) -> str:
    """The result as Markdown: a table of the classes, then one line a fact."""
    minutes = score.seconds / 60
    lines = [
        f"Articulation score **{score.score:.1f}** (by {score.measure}, {score.takes} takes, {minutes:.1f} min)",
        "",
        f"| class | weight | score | AUC | {' | '.join(f'F1 {t} ms' for t in TOLERANCES_MS)} | F1 by luck | events |",
        "|---" * (6 + len(TOLERANCES_MS)) + "|",
    ]
    for kind, one in score.classes.items():
        f1 = " | ".join(f"{one.f1[str(t)]:.2f}" for t in TOLERANCES_MS)
        points = _number(None if one.score is None else 100 * one.score, ".1f")
        lines.append(
            f"| {kind} | {CLASSES[kind].weight:.2f} | {points} | {_number(one.auc, '.3f')} | {f1} "
            f"| {one.chance_f1:.2f} | {one.events} |"
        )
    return "\n".join([*lines, "", *(f"- {fact}" for fact in _facts(score))])


def _facts(score: Score) -> tuple[str, ...]:
    """What stands beside the score, a line each."""
    moves = score.motion
    return (
        (
            f"lag: best {score.best_lag_ms:+d} ms (score there {score.best_lag_score:.1f}), "
            f"by correlation {score.correlation_lag_ms:+.0f} ms; positive is a late mouth"
        ),
        (
            f"closures: offset {_number(score.closure_offset_ms, '+.0f')} ms, middle half within "
            f"{_number(score.closure_spread_ms, '.0f')} ms, {_percent(moves.closures_sealed)} seal"
        ),
        f"open vowels sealed: {_percent(moves.open_sealed)}; at rest in silence: {_percent(moves.rest_in_silence)}",
        (
            f"motion: jitter {moves.jitter:.3f}, {moves.reversals_per_s:.1f} reversals/s, opens at up to "
            f"{moves.peak_opening_per_s:.1f} and closes at up to {moves.peak_closing_per_s:.1f} {score.unit}/s"
        ),
    )


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"
