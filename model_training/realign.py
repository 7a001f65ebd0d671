"""A second opinion on when each phone is spoken, from what a trained student hears; two aligners that differ are told.

    python -m model_training.realign --checkpoint runs/base/checkpoint.pt --corpus speech.tsv \
        --phones prepared/phones.tsv --out prepared/phones_again.tsv

The phones of a line keep their order and are laid on the student's phone posteriors by the Viterbi algorithm, twice.
First freely, from the order alone: how far that agrees with the times given (`agreement.py`) says whether the line's
transcript is what was said, and a line that agrees too little is dropped and listed. Then with a pull towards the times
given: those are the times that are written. A few wrong words leave a stretch of phones that nobody hears, which the
first round tells too, and when. Lines of folders that --folders does not name keep the times given. Resumes like align.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from addon.core.audio import RATE as SAMPLE_RATE

from . import corpora, labels
from .agreement import shared
from .align import read_speech
from .articulation import CLOSURES, LIP_TO_TEETH
from .checkpoint import mean_network
from .command import finish, tally, whole_number
from .labels import Labelled
from .network import FaceNetwork, hear
from .phones import INVENTORY, Phone, read_phones
from .ranks import alone
from .viterbi import best_path

Floats = npt.NDArray[np.float32]

STEP_S = 0.01  # the student's rows of 20 ms, with one more between each two
FRAMES_A_ROW = 2
SHORTEST_PHONE = 4  # frames
SHORTEST_PAUSE = 6
LEAST_LOG = -12.0  # of a posterior: what the student finds impossible, a transcript may still know
PULL = 4.0  # nepers for each frame that a phone lies outside its given time
MOST_PULL = 6.0  # past 15 ms a frame costs no more, so that a phone far off is let go
AGREED_S = 0.05
LEAST_AGREED = 0.8  # share of the boundaries that the two aligners must have within AGREED_S
STRETCH = 6  # phones: a word or two
# Mean log posterior of the stretch heard worst. With eight phones exchanged all of 21 lines fell below, with four 18;
# of right lines 1 of 49 in a studio, 6 of 51 of the hardest readers of LibriSpeech.
LEAST_HEARD = -3.5


@dataclass(frozen=True)
class Realigned:
    """A line aligned again: its phones, the share of boundaries agreed on, and how its worst stretch is heard.

    `heard` is the mean log posterior of the STRETCH phones that fit least, as freely aligned; they begin at heard_s.
    """

    phones: tuple[Phone, ...]
    agreed: float
    heard: float
    heard_s: float

    @property
    def doubt(self) -> str:
        """Why the phones are most likely not what was said; nothing where they are."""
        if self.heard < LEAST_HEARD:
            return f"not what is heard (from {self.heard_s:.1f} s on: {self.heard:.1f})"
        if self.agreed < LEAST_AGREED:
            return (
                f"the aligners disagree ({100 * self.agreed:.0f} % of the boundaries within {1000 * AGREED_S:.0f} ms)"
            )
        return ""


class Listener:
    """A trained student as an ear for phones."""

    def __init__(self, checkpoints: Sequence[Path]) -> None:
        settings, network, _ = mean_network(checkpoints)
        self._network: FaceNetwork = network.to(alone().device).eval()
        often = [name in CLOSURES or name in LIP_TO_TEETH for name in INVENTORY]
        self._odds = np.log(np.where(often, settings.loss.closure_rows, 1.0)).astype(np.float32)

    def hear(self, samples: Floats) -> Floats:
        """Log posteriors over INVENTORY every STEP_S of 16 kHz samples (N,), (F, P).

        Rows of closures counted more in training, which raised their odds; that is taken out.
        """
        return posteriors(hear(self._network, samples).phones[0].cpu().numpy() - self._odds)


def posteriors(logits: Floats) -> Floats:
    """Logits of rows (T, P) as log posteriors of frames (2 T - 1, P), none below LEAST_LOG."""
    top = logits.max(axis=1, keepdims=True)
    logs = logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
    frames = np.empty((FRAMES_A_ROW * len(logs) - 1, logs.shape[1]), np.float32)
    frames[::2], frames[1::2] = logs, (logs[:-1] + logs[1:]) / 2
    return np.maximum(frames, LEAST_LOG)


def realign(phones: Sequence[Phone], logs: Floats, duration_s: float, pull: float = PULL) -> Realigned:
    """The phones of a line laid on log posteriors (F, P); ValueError says why that cannot be."""
    names, spans = _units(phones, duration_s)
    fits = logs[:, [INVENTORY.index(name) for name in names]]
    free, path = _lay(names, fits, duration_s)
    times = np.arange(len(logs))[:, None] * STEP_S
    outside = np.maximum(np.maximum(spans[:, 0] - times, times - spans[:, 1]), 0) / STEP_S  # (F, U)
    pulled, _ = _lay(names, fits - np.minimum(pull * outside, MOST_PULL), duration_s)
    heard, first = _worst_stretch(fits[np.arange(len(path)), path], path)
    return Realigned(pulled, shared(free, phones).within(AGREED_S), heard, first * STEP_S)


def _worst_stretch(fit: Floats, path: npt.NDArray[np.int64]) -> tuple[float, int]:
    """The lowest mean fit of STRETCH phones in a row, pauses aside, and the frame at which they begin."""
    phones = np.bincount(path, fit)[1::2] / np.bincount(path)[1::2]  # every other unit is a pause
    length = min(STRETCH, len(phones))
    means = np.convolve(phones, np.full(length, 1 / length), "valid")
    worst = int(means.argmin())
    return float(means[worst]), int(np.argmax(path == 2 * worst + 1))


def _units(phones: Sequence[Phone], duration_s: float) -> tuple[list[str], npt.NDArray[np.float64]]:
    """The line's phones with a pause, which may be missed, around each; when they are by the times given, (U, 2)."""
    spoken = [phone for phone in phones if phone.name != "sil"]
    if not spoken:
        raise ValueError("no phones")
    unknown = next((phone.name for phone in spoken if phone.name not in INVENTORY), None)
    if unknown is not None:
        raise ValueError(f"unknown phone {unknown!r}")
    names, spans, at = ["sil"], [], 0.0
    for phone in spoken:
        names += [phone.name, "sil"]
        spans += [(at, phone.start_s), (phone.start_s, phone.end_s)]
        at = phone.end_s
    return names, np.array([*spans, (at, max(duration_s, at))])


def _lay(names: Sequence[str], fits: Floats, duration_s: float) -> tuple[tuple[Phone, ...], npt.NDArray[np.int64]]:
    """Phones where the best path through fits (F, U) has them, and that path; boundaries lie between frames."""
    pause = np.array([name == "sil" for name in names])
    shortest = min(SHORTEST_PHONE, max(len(fits) // int((~pause).sum()), 1))
    path = best_path(fits, np.where(pause, SHORTEST_PAUSE, shortest), pause)
    at = np.flatnonzero(np.diff(path)) + 1  # frames that begin another unit
    here, there = path[at - 1], path[at]
    before = fits[at - 1, there] - fits[at - 1, here]
    after = fits[at, there] - fits[at, here]
    crossing = np.where((before < 0) & (after > 0), before / np.minimum(before - after, -1e-6), 0.5)
    bounds = [0.0, *((at - 1 + crossing) * STEP_S), duration_s]
    units = [int(path[0]), *there]
    laid = [Phone(names[unit], float(a), float(b)) for unit, a, b in zip(units, bounds, bounds[1:], strict=False)]
    return tuple(laid), path


@dataclass(frozen=True)
class Given:
    """An utterance and the phone times that another aligner gave it."""

    utterance: corpora.Utterance
    phones: Sequence[Phone]


@dataclass(frozen=True)
class Keeping:
    """What a second opinion leaves as it is: lines that it doubts, or the times of those that it does not."""

    doubtful: bool = False
    times: bool = False


def realign_line(line: Given, listener: Listener, keep: Keeping = Keeping()) -> Labelled:
    """A line's phones again, or the reason why it is dropped."""
    path = line.utterance.path
    try:
        samples = read_speech(line.utterance.file)
        again = realign(line.phones, listener.hear(samples), len(samples) / SAMPLE_RATE)
    except ValueError as error:
        return Labelled(path, reason=str(error))
    if again.doubt and not keep.doubtful:
        return Labelled(path, reason=again.doubt)
    return Labelled(path, tuple(line.phones) if keep.times else again.phones)


_listeners: list[Listener] = []  # in each worker process, since loading a network takes a while


def _begin_worker(checkpoints: Sequence[Path]) -> None:
    torch.set_num_threads(1)
    _listeners[:] = [Listener(checkpoints)]


def _in_worker(line: Given, keep: Keeping) -> Labelled:
    return realign_line(line, _listeners[0], keep)


def _results(lines: Sequence[Given], checkpoints: Sequence[Path], keep: Keeping, workers: int) -> Iterator[Labelled]:
    if workers == 1:
        listener = Listener(checkpoints)
        yield from (realign_line(line, listener, keep) for line in lines)
        return
    fresh = get_context("spawn")  # a process that forks while PyTorch has threads may hang
    with ProcessPoolExecutor(workers, fresh, _begin_worker, (checkpoints,)) as pool:
        yield from pool.map(partial(_in_worker, keep=keep), lines, chunksize=4)


def realign_corpus(
    utterances: Sequence[corpora.Utterance],
    phones: Mapping[str, Sequence[Phone]],
    checkpoints: Sequence[Path],
    out: Path,
    keep: Keeping = Keeping(),
    workers: int = 2,
    unasked: Sequence[corpora.Utterance] = (),
) -> Counter[str]:
    """Align again what `out` does not hold yet; returns how many were kept and why others were dropped.

    unasked: lines whose phones are written as they are given.
    """
    known = [one for one in utterances if one.path in phones]
    if not known:
        raise corpora.CorpusError("no chosen line has phone times: align the corpus, or choose other folders")
    Listener(checkpoints)  # a checkpoint that cannot be read is told before anything is written
    passed = {one.path for one in unasked if one.path in phones}
    left = labels.unwritten([*known, *(one for one in unasked if one.path in passed)], out)
    as_given = [Labelled(one.path, tuple(phones[one.path])) for one in left if one.path in passed]
    labels.write(as_given, out, len(as_given), "passing on")
    todo = [Given(one, phones[one.path]) for one in left if one.path not in passed]
    counts = {"no phone times": len(utterances) - len(known), "already aligned": len(known) - len(todo)}
    results: Iterable[Labelled] = _results(todo, checkpoints, keep, workers) if todo else ()
    done = labels.write(results, out, len(todo), "aligning again")
    return done + Counter({**counts, "passed on as given": len(passed)})


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="model_training.realign", description="Align a corpus again, by what a trained student hears."
    )
    parser.add_argument("--checkpoint", type=Path, nargs="+", required=True, help="of a training; of several, the mean")
    parser.add_argument("--corpus", type=Path, required=True, help="the corpus table")
    parser.add_argument("--phones", type=Path, required=True, help="phone times from model_training.align")
    parser.add_argument("--out", type=Path, required=True, help="phone times to write, a TSV")
    parser.add_argument("--folders", nargs="*", default=(), help="only these folders; the others' times pass as given")
    parser.add_argument("--limit", type=whole_number, default=0, help="at most so many lines a folder")
    parser.add_argument("--keep-doubtful", action="store_true", help="drop no line for being doubtful")
    parser.add_argument("--keep-times", action="store_true", help="only drop lines; write the times given")
    parser.add_argument("--workers", type=int, default=2, help="processes at once (default: 2)")
    args = parser.parse_args(argv)
    if args.workers < 1:
        parser.error("--workers must be 1 or more")

    def work() -> str:
        corpus = corpora.read(args.corpus)
        utterances = corpora.select(corpus, args.folders, limit=args.limit)
        unasked = [one for one in corpus if args.folders and one.folder not in args.folders]
        times = read_phones(args.phones)
        keep = Keeping(doubtful=args.keep_doubtful, times=args.keep_times)
        return tally(realign_corpus(utterances, times, args.checkpoint, args.out, keep, args.workers, unasked))

    return finish(work)


if __name__ == "__main__":
    sys.exit(main())
