"""What is wrong with a corpus, before hours are spent on it: every line that cannot be used, and why.

    python -m model_training.audit --corpus speech.tsv --development ljspeech librispeech_testother

Missing and unreadable files, rates too low for speech, lengths that the table has wrong, lines without text and
recordings that occur twice are listed. A recording on both sides of the split between training and development is an
error: a model would be judged on what it has learnt by heart.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import soundfile
from tqdm import tqdm

from . import corpora
from .command import finish, tally
from .corpora import CorpusError, Utterance
from .whole import write_whole

LOWEST_RATE = 16_000  # what the model hears; below it the consonants are gone
LENGTH_OFF = 0.1  # the table's seconds may be wrong by this share


class Finding(NamedTuple):
    """One line of the corpus that something is wrong with; `what` is the same for all lines with the same trouble."""

    path: str
    what: str
    detail: str = ""


def problems(utterance: Utterance) -> list[Finding]:
    """What is wrong with one line by itself."""
    found = [] if utterance.text else [Finding(utterance.path, "no text")]
    if not utterance.file.is_file():
        return [*found, Finding(utterance.path, "missing file")]
    try:
        info = soundfile.info(utterance.file)
    except (soundfile.LibsndfileError, OSError) as error:
        return [*found, Finding(utterance.path, "unreadable audio", str(error))]
    if info.samplerate < LOWEST_RATE:
        found.append(Finding(utterance.path, "rate too low", f"{info.samplerate} Hz"))
    seconds = info.frames / info.samplerate
    if abs(seconds - utterance.seconds) > LENGTH_OFF * max(seconds, utterance.seconds):
        told = f"{utterance.seconds:.2f} s by the table, {seconds:.2f} s in the file"
        found.append(Finding(utterance.path, "wrong length", told))
    return found


def copies(utterances: Iterable[Utterance]) -> list[list[Utterance]]:
    """Lines whose recordings are the same, byte for byte: one list for each recording that occurs more than once."""
    by_size: dict[int, list[Utterance]] = {}
    for utterance in utterances:
        if utterance.file.is_file():
            by_size.setdefault(utterance.file.stat().st_size, []).append(utterance)
    same: dict[bytes, list[Utterance]] = {}
    for alike in by_size.values():
        if len(alike) > 1:  # only these need to be read
            for utterance in alike:
                same.setdefault(hashlib.sha256(utterance.file.read_bytes()).digest(), []).append(utterance)
    return [group for group in same.values() if len(group) > 1]


def refuse_leaks(utterances: Iterable[Utterance], development: Sequence[str]) -> None:
    """Raises if a recording is on both sides of the split."""
    for group in copies(utterances):
        heard = [one.path for one in group if one.folder in development]
        learnt = [one.path for one in group if one.folder not in development]
        if heard and learnt:
            raise CorpusError(
                f"the same recording is in training and in development: {learnt[0]!r} and {heard[0]!r}; "
                "remove one of the two rows"
            )


def audit(utterances: Sequence[Utterance]) -> list[Finding]:
    """Everything that is wrong, line by line."""
    found = []
    for utterance in tqdm(utterances, desc="auditing", unit="line", disable=None):
        found += problems(utterance)
    for group in copies(utterances):
        found += [Finding(one.path, "same recording as another line", group[0].path) for one in group[1:]]
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="model_training.audit", description="List what is wrong with a corpus.")
    parser.add_argument("--corpus", type=Path, required=True, help="the corpus table")
    parser.add_argument("--development", nargs="*", default=(), help="folders that are kept out of training")
    parser.add_argument("--out", type=Path, help="write every finding there, a TSV")
    args = parser.parse_args(argv)

    def work() -> str:
        utterances = corpora.read(args.corpus)
        corpora.refuse_unknown(args.development, (one.path for one in utterances))
        found = audit(utterances)
        lines = ["\t".join(one) for one in found]
        if args.out:
            write_whole(args.out, "\n".join(["path\twhat\tdetail", *lines]) + "\n")
        else:
            print("\n".join(lines))
        refuse_leaks(utterances, args.development)
        troubled = {one.path for one in found}
        return tally(Counter(one.what for one in found) + Counter({"nothing wrong": len(utterances) - len(troubled)}))

    return finish(work)


if __name__ == "__main__":
    sys.exit(main())
