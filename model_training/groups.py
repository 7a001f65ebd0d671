"""Who speaks: the groups that a score is given for apart, from what a corpus says of its speakers and from their pitch.

A table of speakers is a TSV with the columns speaker, sex, age and accent, in words of your choice; what is not known
stays empty and is called unknown. speakers.tsv holds what the corpora of the base model's development set publish.
Pitch is measured, and is no claim about anybody's sex: grown men mostly speak below PITCH_SPLIT_HZ, women above.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from addon.core.audio import RATE as SAMPLE_RATE
from addon.core.errors import quoted, reason

from .align import read_speech
from .corpora import CorpusError, Utterance
from .score import LINEAR, Measure, Score, Take, articulation_score

TOLD = ("sex", "age", "accent")  # by a table of speakers
KINDS = ("folder", "speaker", "language", *TOLD, "pitch")
KNOWN_SPEAKERS = Path(__file__).parent / "speakers.tsv"
UNKNOWN = "unknown"
PITCH_SPLIT_HZ = 165.0  # between the usual pitches of men (85 to 155) and women (165 to 255; Titze 1994)
PITCH_RATE = 4000
PITCH_RANGE_HZ = (70.0, 400.0)
VOICED = 0.6  # of the normalised autocorrelation
LINES_HEARD = 4  # a speaker, for the pitch

Speakers = Mapping[str, Mapping[str, str]]


def read_speakers(table: Path = KNOWN_SPEAKERS) -> dict[str, dict[str, str]]:
    """What a table tells of each speaker: {speaker: {sex, age, accent}}."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(
            f"cannot read the table of speakers {quoted(table)} ({reason(error)}): give a UTF-8 TSV"
        ) from error
    columns = ("speaker", *TOLD)
    if not rows:
        raise CorpusError(f"the table of speakers {quoted(table)} has no rows: its columns are {', '.join(columns)}")
    missing = [name for name in columns if name not in rows[0]]
    if missing:
        told = f"its columns are {', '.join(columns)}; what is not known stays empty"
        raise CorpusError(f"the table of speakers {quoted(table)} lacks the column {missing[0]!r}: {told}")
    return {row["speaker"]: {name: (row[name] or "").strip() for name in TOLD} for row in rows}


def pitch_hz(samples: npt.NDArray[np.float32]) -> float:
    """The median pitch of 16 kHz speech, by autocorrelation of its voiced frames; 0 where nothing is voiced."""
    low = soxr.resample(samples, SAMPLE_RATE, PITCH_RATE)
    size, hop = PITCH_RATE * 4 // 100, PITCH_RATE // 50  # 40 ms every 20 ms
    if len(low) < size:
        return 0.0
    frames = np.lib.stride_tricks.sliding_window_view(low, size)[::hop] * np.hanning(size)
    loud = (frames**2).mean(axis=1)
    frames = frames[loud > 0.05 * np.percentile(loud, 95)]
    echo = np.fft.irfft(np.abs(np.fft.rfft(frames, 2 * size, axis=1)) ** 2, axis=1)[:, :size]
    window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(size), 2 * size)) ** 2)[:size]
    likeness = echo / (echo[:, :1] + 1e-12) / (window / window[0] + 1e-3)
    first, last = (round(PITCH_RATE / hertz) for hertz in reversed(PITCH_RANGE_HZ))
    lag, height = _tops(likeness, first, last)
    best = height.max(axis=1, initial=0.0)
    lag, height, best = (one[best > VOICED] for one in (lag, height, best))
    if not len(best):
        return 0.0
    shortest = np.argmax(height > 0.9 * best[:, np.newaxis], axis=1)  # at two periods a voice is as like itself
    return float(PITCH_RATE / np.median(np.take_along_axis(lag, shortest[:, np.newaxis], axis=1)))


def _tops(likeness: npt.NDArray[np.float64], first: int, last: int) -> tuple[npt.NDArray[np.float64], ...]:
    """Where likeness (F, L) has a top near each lag from first to last, and how high it is: 0 where it has none.

    Both are (F, last - first + 1). A top lies between lags, on the parabola through one and its neighbours: at
    PITCH_SPLIT_HZ a lag is 4 % of the period.
    """
    before, here, after = (likeness[:, first + by : last + 1 + by] for by in (-1, 0, 1))
    slope, bend = (after - before) / 2, np.minimum(before - 2 * here + after, -1e-12)
    off = np.clip(-slope / bend, -0.5, 0.5)
    height = np.where((here >= before) & (here > after), here + slope * off + bend * off**2 / 2, 0.0)
    return np.arange(first, last + 1) + off, height


def pitch_groups(utterances: Sequence[Utterance]) -> dict[str, str]:
    """Each speaker's pitch group, from a few of their lines."""
    heard: dict[str, list[float]] = {}
    for utterance in utterances:
        pitches = heard.setdefault(utterance.speaker, [])
        if len(pitches) < LINES_HEARD:
            try:
                pitches.append(pitch_hz(read_speech(utterance.file)))
            except ValueError:
                continue  # whoever scores the line says so
    names = (f"below {PITCH_SPLIT_HZ:.0f} Hz", f"{PITCH_SPLIT_HZ:.0f} Hz and above")
    voiced = {speaker: [hertz for hertz in all_hz if hertz > 0] for speaker, all_hz in heard.items()}
    return {
        speaker: names[float(np.median(hertz)) >= PITCH_SPLIT_HZ] if hertz else UNKNOWN
        for speaker, hertz in voiced.items()
    }


def group_of(kind: str, utterances: Sequence[Utterance], speakers: Speakers) -> Callable[[Utterance], str]:
    """How to tell which group of a kind an utterance belongs to."""
    if kind == "pitch":
        groups = pitch_groups(utterances)
        return lambda one: groups.get(one.speaker, UNKNOWN)
    if kind in TOLD:
        return lambda one: speakers.get(one.speaker, {}).get(kind) or UNKNOWN
    return lambda one: str(getattr(one, kind))


def grouped(
    takes: Sequence[tuple[Utterance, Take]], by: Sequence[str], speakers: Speakers, measure: Measure = LINEAR
) -> dict[str, dict[str, Score]]:
    """The score of every group apart: {kind of group: {group: score}}."""
    result: dict[str, dict[str, Score]] = {}
    for kind in by:
        name_of = group_of(kind, [utterance for utterance, _ in takes], speakers)
        members: dict[str, list[Take]] = {}
        for utterance, take in takes:
            members.setdefault(name_of(utterance), []).append(take)
        result[kind] = {name: articulation_score(members[name], measure) for name in sorted(members)}
    return result


def group_table(kind: str, scores: Mapping[str, Score]) -> str:
    """One row a group, as Markdown."""
    shown = ("closure", "labiodental", "rounded", "open")
    rows = [
        f"| {kind} | takes | score | {' | '.join(f'{name} F1' for name in shown)} | best lag ms | jitter |",
        "|---" * (5 + len(shown)) + "|",
    ]
    for name, score in scores.items():
        f1 = " | ".join(f"{score.classes[one].f1['40']:.2f}" for one in shown)
        jitter = score.motion.jitter
        rows.append(f"| {name} | {score.takes} | {score.score:.1f} | {f1} | {score.best_lag_ms:+d} | {jitter:.3f} |")
    return "\n".join(rows)
