"""How well a system articulates speech whose phones are known: the articulation score, overall and by group.

    python -m model_training.evaluate --model addon/models/base.onnx --corpus speech.tsv --phones phones.tsv \
        --folders ljspeech librispeech_testother --by folder sex pitch --mesh ict_head.npz --json score.json

The phones come from model_training.align, or from any table with its columns. A model is judged by its own channels;
with --performed by all that a user gets, every layer included.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from addon.core import audio, pipeline
from addon.core.curves import Curves
from addon.core.errors import AudioError
from addon.core.live import LiveFace, bundled_live_path
from addon.core.model import HOP_SAMPLES, RATE, FaceModel, bundled_model_path
from addon.core.settings import DEFAULTS
from addon.core.whole import check_writable

from . import baselines, corpora
from .command import finish, whole_number
from .groups import KINDS, KNOWN_SPEAKERS, group_table, grouped, read_speakers
from .mesh_score import load_head, mesh_measure
from .phones import Phone, read_phones
from .score import LINEAR, Take, articulation_score, report
from .whole import write_whole

BASELINES = ("viseme", "loudness", "shuffled")


@dataclass(frozen=True)
class Spoken:
    """An utterance and its phones."""

    utterance: corpora.Utterance
    phones: Sequence[Phone]
    sound: audio.Audio | None = None  # what is heard instead of the recording

    @property
    def source(self) -> Path | audio.Audio:
        """What a system listens to."""
        return self.sound or self.utterance.file

    @property
    def duration_s(self) -> float:
        """Seconds of speech that the phones cover."""
        return self.phones[-1].end_s


System = Callable[[int, Sequence[Spoken]], Curves]  # the curves for one of these utterances


def model_system(path: Path, device: str, threads: int, performed: bool) -> System:
    """A model file as a system: its channels alone or, performed, with every layer at its default."""
    model = FaceModel.load(path, device, threads)
    if model.note:
        print(model.note, file=sys.stderr)

    def curves(index: int, lines: Sequence[Spoken]) -> Curves:
        source = lines[index].source
        if performed:
            return pipeline.animate(source, model=model)
        windows = model.windows(audio.open_sound(source).blocks(), DEFAULTS.model.window_s)
        return Curves(np.concatenate([model.predict(window) for window in windows]), model.card.channels, RATE)

    return curves


def live_system(path: Path, device: str, threads: int) -> System:
    """A live model's file as a system: it hears a line as a stream, in hops of 20 ms."""
    face = LiveFace.load(path, device, threads)

    def curves(index: int, lines: Sequence[Spoken]) -> Curves:
        face.reset()
        samples = audio.read(lines[index].source).samples
        rows = [face.push(hop).values for hop in np.split(samples, range(HOP_SAMPLES, len(samples), HOP_SAMPLES))]
        return Curves(np.concatenate([*rows, face.finish().values]), face.card.channels, RATE)

    return curves


def teacher_system() -> System:
    """The teacher on the phones and the loudness, as prepare has it: as far as a student of it can get."""
    from .articulation import taught_curves  # the score must judge a model where no teacher is

    return lambda index, lines: taught_curves(lines[index].phones, audio.read(lines[index].source).samples)


def baseline_system(name: str) -> System:
    """One of the systems that calibrate the score."""
    if name == "viseme":
        return lambda index, lines: baselines.viseme_curves(lines[index].phones, lines[index].duration_s)
    if name == "shuffled":
        return lambda index, lines: baselines.shuffled_curves(lines[index - 1].phones, lines[index].duration_s)

    def loudness(index: int, lines: Sequence[Spoken]) -> Curves:
        heard = audio.read(lines[index].source)
        return baselines.loudness_curves(heard.samples, heard.rate)

    return loudness


def spoken_lines(
    utterances: Iterable[corpora.Utterance], phones: Mapping[str, Sequence[Phone]]
) -> tuple[list[Spoken], Counter[str]]:
    """The utterances that phones are known for, and how many were kept and dropped."""
    chosen = list(utterances)
    lines = [Spoken(one, phones[one.path]) for one in chosen if phones.get(one.path)]
    if not lines:
        raise corpora.CorpusError("no chosen line has phone times: align the corpus, or choose other folders")
    return lines, Counter({"kept": len(lines), "no phone times": len(chosen) - len(lines)})


def run(system: System, lines: Sequence[Spoken], outcome: Counter[str]) -> list[tuple[Spoken, Take]]:
    """What the system makes of every line; an unreadable recording is counted and left out."""
    takes = []
    for index, line in enumerate(tqdm(lines, unit="line", desc="animating", disable=None)):
        try:
            takes.append((line, Take(line.phones, system(index, lines))))
        except AudioError as error:
            outcome.subtract(["kept"])
            outcome.update(["unreadable recording"])
            tqdm.write(f"left out: {error}", file=sys.stderr)
    if not takes:
        raise corpora.CorpusError("no recording could be read: are they where the corpus table says?")
    return takes


def evaluate(args: argparse.Namespace) -> str:
    """Runs the system over the corpus; returns what it scored, and writes it down where asked."""
    if args.json:
        check_writable(args.json)
    utterances = corpora.select(corpora.read(args.corpus), args.folders, limit=args.limit)
    lines, outcome = spoken_lines(utterances, read_phones(args.phones))
    speakers = read_speakers(args.speakers)
    measures = [LINEAR] + ([mesh_measure(load_head(args.mesh))] if args.mesh else [])
    takes = run(chosen_system(args), lines, outcome)
    told = [", ".join(f"{count} {what}" for what, count in outcome.items() if count)]
    result: dict[str, object] = {}
    for measure in measures:
        overall = articulation_score([take for _, take in takes], measure)
        groups = grouped([(line.utterance, take) for line, take in takes], args.by, speakers, measure)
        told += [report(overall), *(group_table(kind, scores) for kind, scores in groups.items())]
        by = {kind: {name: asdict(score) for name, score in scores.items()} for kind, scores in groups.items()}
        result[measure.name] = {"overall": asdict(overall), "by": by}
    if args.json:
        write_whole(args.json, json.dumps(result, indent=2) + "\n")
    return "\n\n".join(told)


def chosen_system(args: argparse.Namespace) -> System:
    """The system that the command's options name."""
    if args.performed and (args.teacher or args.baseline or args.live):
        raise corpora.CorpusError("--performed is of a whole model: leave it out with --teacher, --baseline or --live")
    if args.teacher:
        return teacher_system()
    if args.baseline:
        return baseline_system(args.baseline)
    if args.live:
        return live_system(args.live, args.device, args.threads)
    return model_system(args.model, args.device, args.threads, args.performed)


def add_system_options(parser: argparse.ArgumentParser) -> None:
    """Gives a command the options that chosen_system reads."""
    system = parser.add_mutually_exclusive_group()
    system.add_argument("--model", type=Path, default=bundled_model_path(), help="an ONNX model (default: the bundled)")
    system.add_argument("--live", type=Path, nargs="?", const=bundled_live_path(), help="a live model, as a stream")
    system.add_argument("--teacher", action="store_true", help="score the teacher on the phones instead")
    system.add_argument("--baseline", choices=BASELINES, help="score a system that calibrates the score instead")
    parser.add_argument("--performed", action="store_true", help="a model with every layer, as users get it")
    parser.add_argument("--device", default="cpu", help="where the model runs: auto, cpu, cuda, coreml or dml")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default: 1)")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="model_training.evaluate", description="Score a system's articulation.")
    add_system_options(parser)
    parser.add_argument("--corpus", type=Path, required=True, help="the corpus table")
    parser.add_argument("--phones", type=Path, required=True, help="phone times from model_training.align")
    parser.add_argument("--folders", nargs="*", default=(), help="only these folders of the corpus")
    parser.add_argument("--limit", type=whole_number, default=0, help="at most so many lines a folder")
    parser.add_argument("--by", nargs="*", choices=KINDS, default=("folder",), help="groups to score apart")
    parser.add_argument("--speakers", type=Path, default=KNOWN_SPEAKERS, help="what is known of the speakers, a TSV")
    parser.add_argument("--mesh", type=Path, help="ICT-FaceKit's head as npz, to measure on a face as well")
    parser.add_argument("--json", type=Path, help="write the whole result there")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    return finish(lambda: evaluate(_parser().parse_args(argv)))


if __name__ == "__main__":
    sys.exit(main())
