"""How a model holds out where recordings are bad: the articulation score under noise, rooms, telephones and levels.

    python -m model_training.robustness --corpus speech.tsv --phones phones.tsv --folders librispeech_testother \
        --conditions clean music10 babble10 telephone --json robustness.json --markdown robustness.md

Conditions are in conditions.py; noises take whole decibels, -99 to 99, such as music0. A second table says whether the
lips stay together where nobody speaks: silence and noise of every level, and the noise around a line. The same lines
under the same conditions are the same sounds every time; --keep writes them down to be listened to.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from addon.core.audio import RATE, Audio
from addon.core.curves import Curves, lip_gap
from addon.core.whole import check_writable

from . import conditions, corpora, noises
from .command import finish, whole_number
from .evaluate import Spoken, System, add_system_options, chosen_system, run, spoken_lines
from .phones import Phone, read_phones
from .score import LINEAR, Score, articulation_score
from .whole import write_sound, write_whole

REST_S = 8.0  # of noise alone
REST_LEVELS_DB = (-70, -50, -30, -15)
AROUND_S = 3.0  # of noise before and after a line
AROUND_LINES = 6
SETTLE_S = 0.3  # beside speech the mouth may be on its way
ABOVE_DB = 10  # speech above the noise around it


@dataclass(frozen=True)
class Rest:
    """The lips where nobody speaks: the share of time that they are together, and how far they part at most."""

    noise: str
    together: float
    widest_gap: float
    most_moved: str  # the channel that moves most, and how far
    seconds: float


def even(lines: Sequence[Spoken], count: int) -> list[Spoken]:
    """At most `count` lines a folder, speakers in turn, always the same ones; 0 takes all."""
    if not count:
        return list(lines)
    turn: Counter[str] = Counter()
    ranked = []
    for line in sorted(lines, key=lambda one: zlib.crc32(one.utterance.path.encode())):
        ranked.append((turn[line.utterance.speaker], line))
        turn[line.utterance.speaker] += 1
    ranked.sort(key=lambda one: one[0])
    taken: Counter[str] = Counter()
    kept = []
    for _, line in ranked:
        taken[line.utterance.folder] += 1
        if taken[line.utterance.folder] <= count:
            kept.append(line)
    return kept


def degraded(name: str, lines: Sequence[Spoken], crowd: noises.Crowd) -> list[Spoken]:
    """The same lines, heard under a condition."""
    heard = []
    for line in lines:
        one = line.utterance
        samples = conditions.heard_as(name, noises.read(one.file), one.path, one.speaker, crowd)
        heard.append(replace(line, sound=Audio(samples, RATE)))
    return heard


def keep(folder: Path, name: str, lines: Sequence[Spoken]) -> None:
    """Writes what was heard under a condition, to be listened to."""
    (folder / name).mkdir(parents=True, exist_ok=True)
    for line in lines:
        if line.sound:
            file = folder / name / (line.utterance.path.replace("/", "_").rsplit(".", 1)[0] + ".wav")
            write_sound(file, line.sound.samples, line.sound.rate, "FLOAT")


def rest(system: System, lines: Sequence[Spoken], crowd: noises.Crowd) -> list[Rest]:
    """The lips in silence and in every noise at every level, and in the noise around lines."""
    results = [_rest_alone(system, "digital silence", np.zeros(round(REST_S * RATE), np.float32))]
    for name, make in noises.NOISES.items():
        if name == "babble":
            continue  # voices are speech: a mouth may follow them where nobody else talks
        noise = make(round(REST_S * RATE), np.random.default_rng(zlib.crc32(name.encode())), crowd, "")
        noise = noise / (np.sqrt((noise**2).mean()) + 1e-9)
        for level_db in REST_LEVELS_DB:
            at_level = np.clip(noise * 10 ** (level_db / 20), -1, 1).astype(np.float32)
            results.append(_rest_alone(system, f"{name} at {level_db} dBFS", at_level))
    spoken = [line for line in lines if any(phone.name != "sil" for phone in line.phones)][:AROUND_LINES]
    around = (f"{name}{ABOVE_DB}" for name in ("hiss", "fan", "music") if spoken)
    return results + [_rest_around(system, name, spoken, crowd) for name in around]


def _rest_alone(system: System, name: str, samples: noises.Floats) -> Rest:
    nobody = corpora.Utterance(name, Path(), len(samples) / RATE, "", "", "", "")
    silent = (Phone("sil", 0.0, nobody.seconds),)
    curves = system(0, [Spoken(nobody, silent, Audio(samples, RATE))])
    return _describe_rest(name, [curves], [np.ones(len(curves.values), bool)])


def _rest_around(system: System, name: str, lines: Sequence[Spoken], crowd: noises.Crowd) -> Rest:
    """The noise of a condition before and after lines, each with AROUND_S of it on both sides."""
    room = round(AROUND_S * RATE)
    given, kept = [], []
    for line in lines:
        one = line.utterance
        speech = np.pad(noises.read(one.file), room)
        samples = conditions.heard_as(name, speech, one.path, one.speaker, crowd)
        curves = system(0, [replace(line, sound=Audio(samples, RATE))])
        spoken = [p for p in line.phones if p.name != "sil"]
        at_s = np.arange(len(curves.values)) / curves.rate - AROUND_S
        kept.append((at_s < spoken[0].start_s - SETTLE_S) | (at_s > spoken[-1].end_s + SETTLE_S))
        given.append(curves)
    return _describe_rest(f"around lines, {name}", given, kept)


def _describe_rest(name: str, given: Sequence[Curves], kept: Sequence[npt.NDArray[np.bool_]]) -> Rest:
    gap = np.concatenate([lip_gap(curves)[rows] for curves, rows in zip(given, kept, strict=True)])
    moved: dict[str, float] = {}
    for curves, rows in zip(given, kept, strict=True):
        for channel in curves.names:
            if channel.startswith(("jaw", "mouth")):
                column = np.abs(curves.column(channel)[rows])
                moved[channel] = max(moved.get(channel, 0.0), float(column.max(initial=0.0)))
    most = max(moved, key=moved.__getitem__)
    together = float((gap <= LINEAR.parted).mean())
    return Rest(name, together, float(gap.max()), f"{most} {moved[most]:.2f}", len(gap) / given[0].rate)


def condition_table(scores: Mapping[str, Score]) -> str:
    """One row a condition, as Markdown."""
    shown = ("closure", "labiodental", "rounded", "open", "spread")
    f1_of = " | ".join(f"{name} F1" for name in shown)
    rows = [
        f"| condition | score | {f1_of} | sealed | open vowels sealed | rest in pauses | best lag ms | jitter |",
        "|---" * (7 + len(shown)) + "|",
    ]
    for name, score in scores.items():
        f1 = " | ".join(f"{score.classes[one].f1['40']:.2f}" for one in shown)
        moves = score.motion
        shares = " | ".join(
            "–" if share is None else f"{100 * share:.0f} %"
            for share in (moves.closures_sealed, moves.open_sealed, moves.rest_in_silence)
        )
        rows.append(
            f"| {name} | **{score.score:.1f}** | {f1} | {shares} | {score.best_lag_ms:+d} | {moves.jitter:.3f} |"
        )
    return "\n".join(rows)


def rest_table(results: Sequence[Rest]) -> str:
    """One row a noise, as Markdown."""
    rows = ["| nobody speaks | lips together | widest gap | moves most |", "|---|---|---|---|"]
    rows += [f"| {r.noise} | {100 * r.together:.0f} % | {r.widest_gap:.3f} | {r.most_moved} |" for r in results]
    return "\n".join(rows)


def measure(args: argparse.Namespace) -> str:
    """Runs the system under every condition; returns both tables, and writes them down where asked."""
    for file in (args.json, args.markdown):
        if file:
            check_writable(file)
    conditions.check(args.conditions)
    corpus = corpora.read(args.corpus)
    lines, _ = spoken_lines(corpora.select(corpus, args.folders), read_phones(args.phones))
    lines = even(lines, args.lines)
    heard = {line.utterance.speaker for line in lines}
    crowd = noises.Crowd.of([one for one in corpus if one.speaker not in heard] or corpus)
    if any(name.startswith("babble") for name in args.conditions):
        for speaker in sorted(heard):
            crowd.others(speaker)  # too few are told before anything is listened to
    system = chosen_system(args)
    scores: dict[str, Score] = {}
    for name in args.conditions:
        print(name, file=sys.stderr)
        under = degraded(name, lines, crowd)
        if args.keep:
            keep(args.keep, name, under)
        scores[name] = articulation_score([take for _, take in run(system, under, Counter())])
    nobody = [] if args.no_rest else rest(system, lines, crowd)
    seconds = sum(line.duration_s for line in lines)
    speakers = len(heard)
    told = f"{len(lines)} lines, {speakers} speakers, {seconds / 60:.1f} min a condition\n\n{condition_table(scores)}"
    told += f"\n\n{rest_table(nobody)}" if nobody else ""
    if args.json:
        result = {"lines": len(lines), "seconds": seconds, "speakers": speakers}
        under_all = {name: asdict(score) for name, score in scores.items()}
        told_all = {**result, "conditions": under_all, "rest": [asdict(one) for one in nobody]}
        write_whole(args.json, json.dumps(told_all, indent=2) + "\n")
    if args.markdown:
        write_whole(args.markdown, told + "\n")
    return told


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="model_training.robustness", description="Score a system's articulation in bad recordings."
    )
    add_system_options(parser)
    parser.add_argument("--corpus", type=Path, required=True, help="the corpus table; other voices come from it too")
    parser.add_argument("--phones", type=Path, required=True, help="phone times from model_training.align")
    parser.add_argument("--folders", nargs="*", default=(), help="score only these folders of the corpus")
    parser.add_argument("--lines", type=whole_number, default=30, help="lines a folder, speakers in turn; 0 takes all")
    parser.add_argument(
        "--conditions", nargs="+", default=conditions.DEFAULT, metavar="NAME", help="as conditions.py names them"
    )
    parser.add_argument("--no-rest", action="store_true", help="leave out the table of lips where nobody speaks")
    parser.add_argument("--keep", type=Path, help="write what was heard into this folder")
    parser.add_argument("--json", type=Path, help="write the whole result there")
    parser.add_argument("--markdown", type=Path, help="write the tables there")
    return finish(lambda: measure(parser.parse_args(argv)))


if __name__ == "__main__":
    sys.exit(main())
