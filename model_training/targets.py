"""What each phone asks of the mouth: the six classes that the articulation score looks at, as frames and as events.

A class has target phones, where its signal must be high, and similar phones, which prove nothing either way because
the mouth rightly does much the same in them. Everything else that is spoken is a counter-example.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .phones import Phone

GUARD_S = 0.030  # labels are this uncertain, so frames so near to a target or a pause prove nothing
PAUSE_S = 0.200  # shorter pauses are bridged by a speaking mouth
RELEASE_S = 0.020  # of a stop whose closure has a label of its own, or whose burst is known, lips still part
TARGET, COUNTER, NEITHER = 1, 0, -1

WHOLE = 1.0
STOP_CLOSURE = 0.60  # an unsplit stop is closed for about its first 60 %
CLOSURE_LABELS = ("pcl", "bcl")  # TIMIT's names of the closures of p and b
SILENCE = "silence"


@dataclass(frozen=True)
class ArticulationClass:
    """One thing that a viewer sees a mouth do: which signal shows it, and for which phones."""

    signal: str
    sign: float
    weight: float
    targets: Mapping[str, float] = field(default_factory=dict)  # phone to the share of it, from its start, that counts
    similar: frozenset[str] = frozenset()

    @property
    def spared(self) -> frozenset[str]:
        """The phones that are no counter-examples, pauses among them."""
        return self.similar | {*self.targets, "sil", "spn"}


def _whole(phones: str) -> dict[str, float]:
    return dict.fromkeys(phones.split(), WHOLE)


CLASSES: dict[str, ArticulationClass] = {
    "closure": ArticulationClass(
        "aperture", -1.0, 0.30,
        {**_whole("m em pcl bcl"), "p": STOP_CLOSURE, "b": STOP_CLOSURE}, frozenset("f v w".split()),
    ),
    "labiodental": ArticulationClass("labiodental", 1.0, 0.15, _whole("f v"), frozenset("th dh".split())),
    "rounded": ArticulationClass(
        "rounding", 1.0, 0.20,
        {**_whole("w uw ux ow er axr sh ch jh zh"), "oy": 0.60}, frozenset("r uh ao l hh".split()),
    ),
    "open": ArticulationClass(
        "aperture", 1.0, 0.15, {**_whole("aa ae ao"), "ay": 0.65, "aw": 0.65}, frozenset("ah eh ow ey oy ax".split())
    ),
    # y is a short iy, eh ae ay end or lie near it; t d n l have no lips of their own, and their place is that of s z.
    "spread": ArticulationClass(
        "spread", 1.0, 0.10, _whole("iy ih ey s z"), frozenset("y eh ae ay ix t d n l".split())
    ),
    # Sealed lips look like rest, so the phones that seal them are no counter-examples.
    SILENCE: ArticulationClass("aperture", -1.0, 0.10, similar=frozenset("p b m em pcl bcl f v".split())),
}  # fmt: skip


class Events(NamedTuple):
    """Runs of touching targets: one gesture each. Arrays (E,): start_s, end_s, and how many phones ask for it."""

    start_s: npt.NDArray[np.float64]
    end_s: npt.NDArray[np.float64]
    phones: npt.NDArray[np.int64]


class Span(NamedTuple):
    """A stretch of time in seconds."""

    start_s: float
    end_s: float


def merge_pauses(phones: Sequence[Phone]) -> list[Phone]:
    """The same phones with touching pauses made one, since a pause that is cut in two is as long as before."""
    merged: list[Phone] = []
    for phone in phones:
        if merged and phone.name == "sil" == merged[-1].name and phone.start_s <= merged[-1].end_s + 1e-3:
            phone = Phone("sil", merged.pop().start_s, phone.end_s)
        merged.append(phone)
    return merged


def pauses(phones: Sequence[Phone]) -> list[Span]:
    """The pauses that are long enough for a mouth to come to rest; phones as merge_pauses gives them."""
    return [Span(p.start_s, p.end_s) for p in phones if p.name == "sil" and p.end_s - p.start_s >= PAUSE_S - 1e-6]


def target_spans(phones: Sequence[Phone], kind: str) -> list[Span]:
    """When the phones ask for this class, one span a phone; phones as merge_pauses gives them."""
    if kind == SILENCE:
        return pauses(phones)
    shares = CLASSES[kind].targets
    spans = []
    before = ""
    for phone in phones:
        share = shares.get(phone.name)
        if share is not None:
            asked_s = share * (phone.end_s - phone.start_s)
            if kind == "closure" and phone.burst_s is not None:
                asked_s = phone.burst_s + RELEASE_S - phone.start_s
            elif phone.name in ("p", "b") and before in CLOSURE_LABELS:
                asked_s = RELEASE_S
            spans.append(Span(phone.start_s, min(phone.start_s + asked_s, phone.end_s)))
        before = phone.name
    return spans


def events(spans: Sequence[Span]) -> Events:
    """Spans that lie within GUARD_S of each other joined into gestures: the m and p of 'lamp' are one closure."""
    starts: list[float] = []
    ends: list[float] = []
    counts: list[int] = []
    for span in spans:
        if ends and span.start_s - ends[-1] <= GUARD_S + 1e-6:
            ends[-1] = max(ends[-1], span.end_s)
            counts[-1] += 1
        else:
            starts.append(span.start_s)
            ends.append(span.end_s)
            counts.append(1)
    return Events(np.array(starts, np.float64), np.array(ends, np.float64), np.array(counts, np.int64))


def frames(phones: Sequence[Phone], kind: str, count: int, rate: float) -> npt.NDArray[np.int8]:
    """TARGET, COUNTER or NEITHER for each of count frames, (T,); what no phone covers is NEITHER."""
    labels = np.full(count, NEITHER, np.int8)

    def paint(start_s: float, end_s: float, label: int) -> None:
        first, last = (max(math.ceil(time_s * rate - 1e-6), 0) for time_s in (start_s, end_s))
        labels[first:last] = label

    for phone in phones:
        if phone.name not in CLASSES[kind].spared:
            paint(phone.start_s, phone.end_s, COUNTER)
    spans = target_spans(phones, kind)
    for span in (*spans, *pauses(phones)):
        paint(span.start_s - GUARD_S, span.end_s + GUARD_S, NEITHER)
    inset_s = GUARD_S if kind == SILENCE else 0.0  # a mouth may still be on its way at the edges of a pause
    for span in spans:
        paint(span.start_s + inset_s, span.end_s - inset_s, TARGET)
    return labels
