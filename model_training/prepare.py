"""Shards to train from: every aligned line's samples, the teacher's curves for it and its phones, row by row.

    python -m model_training.prepare --config model_training/configs/base.toml --corpus speech.tsv \
        --phones prepared/phones.tsv --out prepared/base

A recording on both sides of the split between training and development is refused. Lines already prepared are not
prepared again, so an interrupted run goes on where it stopped; with other phone times it is refused.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from addon.core.errors import quoted

from . import config, corpora
from .align import read_speech, words_of
from .articulation import CHANNELS, RATE, ROW_SAMPLES, SOLO, taught_curves
from .audit import refuse_leaks
from .command import finish, tally
from .phones import INVENTORY, Phone, read_phones
from .whole import write_whole

ROW_BYTES = {"samples.i16": 2 * ROW_SAMPLES, "targets.f16": 2 * len(SOLO), "phones.u8": 1}  # of a shard's files
HEARD = "heard.f16"  # like targets.f16, where model_training.distil has written it
LOOKED_AT = 8  # lines of an earlier run, whether they would be made the same again
SAME = 2e-3  # of a channel: float16's digits, and another machine's sums
_COLUMNS = [CHANNELS.index(name if name in CHANNELS else name + "Left") for name in SOLO]


@dataclass(frozen=True)
class Line:
    """One prepared line: where its rows begin in the shard, and how many there are (320 samples each)."""

    path: str
    speaker: str
    folder: str
    first_row: int
    rows: int


@dataclass(frozen=True)
class Shard:
    """A prepared corpus: samples (320 R,) int16, targets (R, C) float16 over SOLO, phones (R,) into INVENTORY.

    heard: what a finished student makes of the same lines, like targets, where distil has asked one.
    """

    lines: tuple[Line, ...]
    samples: npt.NDArray[np.int16]
    targets: npt.NDArray[np.float16]
    phones: npt.NDArray[np.uint8]
    heard: npt.NDArray[np.float16] | None = None


def choose(
    utterances: Iterable[corpora.Utterance], settings: config.CorpusSettings
) -> tuple[list[corpora.Utterance], Counter[str]]:
    """What may be trained on, and why the rest may not: speakers and texts of the development set stay unheard.

    A development folder that the corpus does not have is an error: what was meant would be trained on.
    """
    everything = list(utterances)
    corpora.refuse_unknown(settings.development, (one.path for one in everything))
    kept_out = [u for u in everything if u.folder in settings.development]
    speakers = {u.speaker for u in kept_out if settings.speakers_apart}
    texts = {wording(u.text) for u in kept_out} - {""}
    chosen, why = [], Counter[str]()
    for utterance in everything:
        if utterance.folder in settings.development:
            why["kept out: development set"] += 1
        elif not utterance.language.startswith(settings.languages):
            why[f"dropped: language {utterance.language}"] += 1
        elif utterance.speaker in speakers:
            why["dropped: speaks in the development set"] += 1
        elif not utterance.text and not settings.untranscribed:
            why["dropped: no text"] += 1
        elif wording(utterance.text) in texts:
            why["dropped: text of the development set"] += 1
        else:
            chosen.append(utterance)
    return chosen, why


def wording(text: str) -> str:
    """What a text says, to be compared: its words in any script, without signs, accents and upper case."""
    return " ".join(words_of(text, letter=r"[^\W_]"))


def rows_of(phones: Sequence[Phone], count: int) -> npt.NDArray[np.uint8]:
    """Which phone each of `count` rows lies in, as its place in INVENTORY; outside every phone is a pause."""
    times = np.arange(count) / RATE
    starts, ends = (np.array([*(getattr(p, edge) for p in phones), np.inf]) for edge in ("start_s", "end_s"))
    names = np.array([INVENTORY.index(p.name) if p.name in INVENTORY else 0 for p in phones] + [0], np.uint8)
    index = np.searchsorted(ends, times, side="right")
    return np.asarray(np.where(times >= starts[index], names[index], 0), np.uint8)


def prepare_line(
    utterance: corpora.Utterance, phones: Sequence[Phone]
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.float16], npt.NDArray[np.uint8]]:
    """Samples, targets and phones of one line, cut to whole rows; ValueError says why it cannot be had."""
    samples = read_speech(utterance.file)
    count = len(samples) // ROW_SAMPLES
    samples = samples[: count * ROW_SAMPLES]
    targets = taught_curves(phones, samples).values[:count, _COLUMNS].astype(np.float16)
    return (np.clip(samples, -1, 1) * 32767).astype(np.int16), targets, rows_of(phones, count)


def prepare(utterances: Sequence[corpora.Utterance], phones: dict[str, list[Phone]], out: Path) -> Counter[str]:
    """Write the shard, going on where an earlier run stopped; returns what was kept and what dropped.

    A shard with lines that are not among these, or are not what they give now, is refused.
    """
    out.mkdir(parents=True, exist_ok=True)
    lines = read_lines(out) if (out / "lines.tsv").exists() else ()
    done = {line.path for line in lines}
    if lines:
        _refuse_others(out, {one.path: one for one in utterances}, phones)
    _cut(out, lines)
    row = sum(line.rows for line in lines)
    outcome: Counter[str] = Counter({"already prepared": len(done)} if done else {})
    with ExitStack() as closing:
        index = closing.enter_context((out / "lines.tsv").open("a", encoding="utf-8", newline=""))
        files = [closing.enter_context((out / name).open("ab")) for name in ROW_BYTES]
        for utterance in tqdm(utterances, desc="preparing", unit="line", disable=None):
            if utterance.path in done:
                continue
            try:
                if utterance.path not in phones:
                    raise ValueError("not aligned")
                parts = prepare_line(utterance, phones[utterance.path])
            except ValueError as error:
                outcome[f"dropped: {str(error).split('(')[0].strip()}"] += 1
                continue
            for file, data in zip(files, (part.tobytes() for part in parts), strict=True):
                file.write(data)
                file.flush()
            rows = len(parts[2])
            index.write(f"{utterance.path}\t{utterance.speaker}\t{utterance.folder}\t{row}\t{rows}\n")
            index.flush()
            row += rows
            outcome["kept"] += 1
    return outcome


def _refuse_others(
    out: Path, utterances: Mapping[str, corpora.Utterance], phones: Mapping[str, Sequence[Phone]]
) -> None:
    """Raises if a shard holds lines that are left out now, or a few of it, made again, come out otherwise."""
    shard = open_shard(out)
    for given, what in ((utterances, "this config leaves"), (phones, "these phone times leave")):
        left_out = sum(line.path not in given for line in shard.lines)
        if left_out:
            raise corpora.CorpusError(f"{quoted(out)} holds {left_out} lines that {what} out: choose another folder")
    for line in shard.lines[:: -(-len(shard.lines) // LOOKED_AT)]:
        rows = slice(line.first_row, line.first_row + line.rows)
        try:
            _, targets, names = prepare_line(utterances[line.path], phones[line.path])
        except ValueError:
            continue  # the recording is gone; what was made of it is not
        if not np.array_equal(names, shard.phones[rows]) or not np.allclose(targets, shard.targets[rows], atol=SAME):
            raise corpora.CorpusError(
                f"{quoted(out)} was prepared from other phone times or recordings ({line.path!r}): choose another "
                "folder"
            )


def _cut(out: Path, lines: Sequence[Line]) -> None:
    """Cut off what an interruption wrote past the lines that are whole."""
    rows = sum(line.rows for line in lines)
    for name, size in ROW_BYTES.items():
        if (out / name).exists():
            with (out / name).open("r+b") as file:
                file.truncate(rows * size)
    index = "".join(f"{x.path}\t{x.speaker}\t{x.folder}\t{x.first_row}\t{x.rows}\n" for x in lines)
    write_whole(out / "lines.tsv", index)


def read_lines(folder: Path) -> tuple[Line, ...]:
    """The index of a prepared corpus; a last line that was cut off is left out."""
    try:
        text = (folder / "lines.tsv").read_text(encoding="utf-8")
        rows = [line.split("\t") for line in text.split("\n")[:-1]]
        lines = tuple(Line(path, speaker, inside, int(at), int(count)) for path, speaker, inside, at, count in rows)
    except OSError as error:
        raise corpora.CorpusError(
            f"no prepared corpus in {quoted(folder)}: run model_training.prepare first"
        ) from error
    except ValueError as error:
        raise corpora.CorpusError(
            f"lines.tsv in {quoted(folder)} is not what model_training.prepare writes: delete it, and run that again"
        ) from error
    ends = [0, *(line.first_row + line.rows for line in lines)]
    if any(line.first_row != end or line.rows < 0 for line, end in zip(lines, ends, strict=False)):
        raise corpora.CorpusError(
            f"lines.tsv in {quoted(folder)} names rows that do not follow one another: delete the folder and run "
            "model_training.prepare again"
        )
    return lines


def open_shard(folder: Path) -> Shard:
    """A prepared corpus, mapped from disk; one that is empty or cut off is an error that says so."""
    lines = read_lines(folder)
    rows = sum(line.rows for line in lines)
    if not rows:
        raise corpora.CorpusError(
            f"the prepared corpus in {quoted(folder)} is empty: see what prepare dropped, and why"
        )
    for name, size in ROW_BYTES.items():
        if not (folder / name).is_file() or (folder / name).stat().st_size < rows * size:
            raise corpora.CorpusError(
                f"the prepared corpus in {quoted(folder)} is cut off: {name} is shorter than lines.tsv says; "
                "delete the folder and run model_training.prepare again"
            )
    heard = folder / HEARD
    if heard.exists() and heard.stat().st_size != rows * ROW_BYTES["targets.f16"]:
        raise corpora.CorpusError(f"{quoted(heard)} is of other lines: delete it, and run model_training.distil again")
    return Shard(
        lines,
        np.memmap(folder / "samples.i16", np.int16, "r", shape=(rows * ROW_SAMPLES,)),
        np.memmap(folder / "targets.f16", np.float16, "r", shape=(rows, len(SOLO))),
        np.memmap(folder / "phones.u8", np.uint8, "r", shape=(rows,)),
        np.memmap(heard, np.float16, "r", shape=(rows, len(SOLO))) if heard.exists() else None,
    )


def stretches(shard: Shard, count: int, rows: int, rng: np.random.Generator) -> Iterator[npt.NDArray[np.float32]]:
    """The samples of so many random stretches of a prepared corpus, `rows` rows each."""
    if len(shard.targets) <= rows:
        raise corpora.CorpusError(f"the prepared corpus is too short: it takes more than {rows / RATE:g} s of speech")
    for start in rng.integers(0, len(shard.targets) - rows, count):
        yield shard.samples[start * ROW_SAMPLES : (start + rows) * ROW_SAMPLES].astype(np.float32) / 32768


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="model_training.prepare", description="Make shards to train from.")
    parser.add_argument("--config", type=Path, required=True, help="what to train, a TOML")
    parser.add_argument("--corpus", type=Path, required=True, help="the corpus table")
    parser.add_argument("--phones", type=Path, required=True, help="phone times from model_training.align")
    parser.add_argument("--out", type=Path, required=True, help="folder for the shard")
    args = parser.parse_args(argv)

    def work() -> str:
        utterances, settings = corpora.read(args.corpus), config.load(args.config).corpus
        chosen, why = choose(utterances, settings)
        refuse_leaks(utterances, settings.development)
        return tally(why + prepare(chosen, read_phones(args.phones), args.out))

    return finish(work)


if __name__ == "__main__":
    sys.exit(main())
