"""The command that scores a model in bad recordings."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from addon.core.curves import Curves
from model_training import corpora, robustness
from model_training.evaluate import BASELINES, Spoken, baseline_system, spoken_lines, teacher_system
from model_training.noises import Crowd
from model_training.phones import Phone, read_phones


@pytest.fixture
def lines(corpus: Path) -> list[Spoken]:
    """Every line of the tiny corpus."""
    return spoken_lines(corpora.read(corpus / "speech.tsv"), read_phones(corpus / "phones.tsv"))[0]


def test_conditions_and_rest_become_two_tables(
    corpus: Path, onnx_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--model", onnx_file, "--corpus", corpus / "speech.tsv", "--phones", corpus / "phones.tsv"]
    written = ["--json", tmp_path / "out.json", "--markdown", tmp_path / "out.md", "--keep", tmp_path / "heard"]
    more = ["--lines", 1, "--conditions", "clean", "telephone", "fan10"]
    assert robustness.main([str(one) for one in (*arguments, *written, *more)]) == 0
    told = capsys.readouterr().out
    result = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert list(result["conditions"]) == ["clean", "telephone", "fan10"]
    assert {one["noise"] for one in result["rest"]} >= {"digital silence", "fan at -15 dBFS", "around lines, hiss10"}
    assert all(0 <= one["together"] <= 1 for one in result["rest"])
    assert "| telephone | **" in told
    assert (tmp_path / "out.md").read_text(encoding="utf-8").strip() == told.strip()
    assert len(list((tmp_path / "heard" / "fan10").glob("*.wav"))) == result["lines"]


def test_lines_are_taken_evenly_and_always_the_same(lines: list[Spoken]) -> None:
    chosen = robustness.even(lines, 1)
    assert len({one.utterance.folder for one in chosen}) == len(chosen)  # here a folder is a speaker
    assert chosen == robustness.even(list(reversed(lines)), 1)
    assert robustness.even(lines, 0) == lines


def test_a_mouth_that_chatters_at_noise_is_not_at_rest(lines: list[Spoken]) -> None:
    def chatter(index: int, given: list[Spoken]) -> Curves:
        assert given[index].sound is not None
        rows = len(given[index].sound.samples) // 320
        loud = np.abs(given[index].sound.samples[: rows * 320]).reshape(rows, 320).max(axis=1)
        return Curves(np.stack([loud, 0 * loud], axis=1).astype(np.float32), ("jawOpen", "mouthClose"), 50.0)

    by_noise = {one.noise: one for one in robustness.rest(chatter, lines, Crowd())}
    assert by_noise["digital silence"].together == 1
    assert by_noise["fan at -70 dBFS"].together == 1
    assert by_noise["fan at -15 dBFS"].together < 0.2
    assert by_noise["fan at -15 dBFS"].most_moved.startswith("jawOpen")
    assert by_noise["around lines, hiss10"].seconds > 5


def test_a_line_of_pauses_has_no_speech_to_rest_around(lines: list[Spoken]) -> None:
    def still(index: int, given: list[Spoken]) -> Curves:
        rows = len(given[index].sound.samples) // 320 if given[index].sound else 1
        return Curves(np.zeros((rows, 2), np.float32), ("jawOpen", "mouthClose"), 50.0)

    silent = dataclasses.replace(lines[0], phones=[Phone("sil", 0.0, 1.0)])
    one, both = robustness.rest(still, lines[1:2], Crowd()), robustness.rest(still, [silent, lines[1]], Crowd())
    assert [row.seconds for row in one] == [row.seconds for row in both]
    assert len(robustness.rest(still, [silent], Crowd())) == len(one) - 3


def test_the_teacher_and_every_baseline_can_be_held_against_a_model(lines: list[Spoken]) -> None:
    for system in (teacher_system(), *map(baseline_system, BASELINES)):
        assert len(robustness.rest(system, lines[:1], Crowd())) == 16


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--conditions", "underwater"), "no condition 'underwater'"),
        (("--conditions", "clean", "music-99999"), "no condition 'music-99999'"),
        (("--json", "."), "'.' is a folder; name a file in it"),
        (("--markdown", "no/such/folder/out.md"), "its folder does not exist"),
        (("--folders", "elsewhere"), "has no folder 'elsewhere' to choose"),
    ],
)
def test_what_the_user_can_mend_is_one_line(
    arguments: tuple[str, ...], reason: str, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--corpus", str(corpus / "speech.tsv"), "--phones", str(corpus / "phones.tsv"), *arguments]
    assert robustness.main(given) == 2
    error = capsys.readouterr().err.strip()
    assert reason in error
    assert "\n" not in error


def test_one_speakers_corpus_is_told_at_once_that_it_has_no_other_voices(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heading, *rows = (corpus / "speech.tsv").read_text(encoding="utf-8").splitlines()
    alone = ["\t".join([*row.split("\t")[:2], "ann", *row.split("\t")[3:]]) for row in rows]
    (tmp_path / "speech.tsv").write_text("\n".join([heading, *alone]) + "\n", encoding="utf-8")
    told = ["--corpus", str(tmp_path / "speech.tsv"), "--phones", str(corpus / "phones.tsv"), "--baseline", "viseme"]
    assert robustness.main(told) == 2
    error = capsys.readouterr().err
    assert "than 'ann', and the corpus has 0" in error
    assert error.count("\n") == 1  # no condition was heard before
