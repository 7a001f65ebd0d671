"""When stops burst: the closure of p b t d k g parted from its release by the sudden rise of energy above a kilohertz.

    python -m model_training.bursts --corpus speech.tsv --phones phones.tsv --out phones_bursts.tsv

Aligners give a stop as one phone. Within it the vocal tract is shut, then opens: the lips of a p stay together until
then, and no longer. The times are written as a column burst_s beside the phones'; it is empty where nothing bursts.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.signal
from tqdm import tqdm

from addon.core.audio import RATE as SAMPLE_RATE

from . import corpora
from .align import read_speech
from .command import finish
from .phones import HEADER, Phone, read_phones, rows_of_table
from .whole import write_whole

Floats = npt.NDArray[np.float64]

BURSTING = ("p", "b", "t", "d", "k", "g")
ABOVE_HZ = 1000.0  # below it a closure may hum (voiced stops)
STEP_S = 0.001
WINDOW_S = 0.004  # before and after a moment, whose energies are compared
LEAST_RISE_DB = 8.0  # smaller rises are no burst
SHORTEST_CLOSURE_S = 0.015
SLACK_S = 0.020  # the aligner's own uncertainty about the end


def rise_db(samples: npt.NDArray[np.float32]) -> Floats:
    """How much louder above ABOVE_HZ the next WINDOW_S are than the last, in dB, one value a STEP_S, (T,)."""
    high = scipy.signal.butter(4, ABOVE_HZ, "highpass", fs=SAMPLE_RATE, output="sos")
    step = round(STEP_S * SAMPLE_RATE)
    heard = scipy.signal.sosfiltfilt(high, samples) if len(samples) > 64 else np.zeros(len(samples))
    count = len(heard) // step
    power = (heard[: count * step].reshape(count, step) ** 2).mean(axis=1)
    floor = max(1e-9, 1e-5 * float(np.percentile(power, 95))) if count else 1e-9  # 50 dB below speech nothing bursts
    total = np.concatenate([[0.0], np.cumsum(power)])
    width = round(WINDOW_S / STEP_S)
    at = np.arange(count)
    before = total[at] - total[np.maximum(at - width, 0)]
    after = total[np.minimum(at + width, count)] - total[at]
    return np.asarray(10 * np.log10((after / width + floor) / (before / width + floor)))


def burst_s(phone: Phone, following: Phone | None, rises: Floats) -> float | None:
    """When a stop bursts, or None where it does not: it is no stop, is held into another stop, or is too soft."""
    if phone.name not in BURSTING:
        return None
    last_s = phone.end_s if following is None or following.name in BURSTING else phone.end_s + SLACK_S
    first = round((phone.start_s + SHORTEST_CLOSURE_S) / STEP_S)
    window = rises[first : max(round(last_s / STEP_S), first)]
    if not len(window) or window.max() < LEAST_RISE_DB:
        return None
    strongest = float(window.max())
    earliest = int(np.argmax(window >= max(LEAST_RISE_DB, 0.7 * strongest)))  # the vowel's start may rise as much
    peak = earliest + int(np.argmax(window[earliest : earliest + round(WINDOW_S / STEP_S) + 1]))
    return min((first + peak) * STEP_S, phone.end_s)


def with_bursts(phones: Sequence[Phone], samples: npt.NDArray[np.float32]) -> list[Phone]:
    """The same phones, stops with the moment of their burst."""
    rises = rise_db(samples)
    following = [*phones[1:], None]
    return [p._replace(burst_s=burst_s(p, after, rises)) for p, after in zip(phones, following, strict=True)]


@dataclass(frozen=True)
class Spread:
    """The stops of one name: how many, the share that burst, and quartiles in ms of the closure and of the release."""

    count: int
    bursting: float
    closure_ms: tuple[float, ...]
    release_ms: tuple[float, ...]


def spreads(phones: Mapping[str, Sequence[Phone]]) -> dict[str, Spread]:
    """What the bursts of a corpus look like, by stop."""
    result = {}
    for name in BURSTING:
        stops = [p for line in phones.values() for p in line if p.name == name]
        burst = [(p.start_s, p.burst_s, p.end_s) for p in stops if p.burst_s is not None]
        if burst:
            start, middle, end = np.array(burst).T
            closure, release = (
                tuple(float(ms) for ms in np.percentile(1000 * span, [25, 50, 75]))
                for span in (middle - start, end - middle)
            )
            result[name] = Spread(len(stops), len(burst) / len(stops), closure, release)
    return result


def table(found: Mapping[str, Spread]) -> str:
    """One row a stop, as Markdown."""
    rows = ["| stop | count | bursts | closure ms, quartiles | release ms, quartiles |", "|---|---|---|---|---|"]
    for name, one in found.items():
        quartiles = (" ".join(f"{ms:.0f}" for ms in span) for span in (one.closure_ms, one.release_ms))
        rows.append(f"| {name} | {one.count} | {100 * one.bursting:.0f} % | {' | '.join(quartiles)} |")
    return "\n".join(rows)


def write(out: Path, phones: Mapping[str, Sequence[Phone]]) -> None:
    """Writes a phone table with bursts."""
    write_whole(out, HEADER + "".join(rows_of_table(path, line) for path, line in phones.items()))


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="model_training.bursts", description="Find when the stops of a corpus burst.")
    parser.add_argument("--corpus", type=Path, required=True, help="the corpus table")
    parser.add_argument("--phones", type=Path, required=True, help="phone times from model_training.align")
    parser.add_argument("--out", type=Path, required=True, help="the same with a column burst_s, a TSV")
    parser.add_argument("--folders", nargs="*", default=(), help="only these folders of the corpus")
    args = parser.parse_args(argv)

    def work() -> str:
        utterances = corpora.select(corpora.read(args.corpus), args.folders)
        times = read_phones(args.phones)
        found: dict[str, list[Phone]] = {}
        for one in tqdm([u for u in utterances if u.path in times], desc="listening", unit="line", disable=None):
            try:
                found[one.path] = with_bursts(times[one.path], read_speech(one.file))
            except ValueError as error:
                tqdm.write(f"left out: {one.path}: {error}", file=sys.stderr)
        if not found:
            raise corpora.CorpusError("no chosen line has phone times: align the corpus, or choose other folders")
        write(args.out, found)
        return table(spreads(found))

    return finish(work)


if __name__ == "__main__":
    sys.exit(main())
