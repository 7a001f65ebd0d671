"""The command that scores a model, the teacher or a baseline over a corpus."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile
from onnx import TensorProto, helper, numpy_helper

from model_training import corpora, prepare
from model_training.articulation import SOLO
from model_training.evaluate import main, spoken_lines, teacher_system
from model_training.phones import read_phones

CHANNELS = ("jawOpen", "mouthClose")
LINE = ("sil m aa b eh f iy sil s uw m ae p iy v ao sil w ih b aa sh uh m ay sil").split()
SECONDS = {"sil": 0.3}


def phone_rows(path: str, seed: int) -> tuple[list[str], float]:
    """TSV rows of the same phones in other lengths, and where they end."""
    rng = np.random.default_rng(seed)
    rows, now = [], 0.0
    for name in LINE:
        end = now + SECONDS.get(name, 0.1) * rng.uniform(0.8, 1.2)
        rows.append(f"{path}\t{name}\t{now:.3f}\t{end:.3f}")
        now = end
    return rows, now


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A folder with a corpus table, phone times and the recordings of two speakers in two folders."""
    table = ["path\tseconds\tspeaker\tlanguage\tlicence\ttext"]
    phones = ["path\tphone\tstart_s\tend_s"]
    for index, (folder, speaker) in enumerate([("one", "ann"), ("one", "bea"), ("two", "bea")]):
        path = f"{folder}/{index}.wav"
        rows, seconds = phone_rows(path, index)
        phones += rows
        table.append(f"{path}\t{seconds:.3f}\t{speaker}\ten-US\tCC0-1.0\twords")
        (tmp_path / folder).mkdir(exist_ok=True)
        t = np.arange(round(seconds * 16_000)) / 16_000
        voice = np.sin(2 * np.pi * 150 * t) * np.clip(np.sin(2 * np.pi * 4 * t), 0, 1)
        soundfile.write(tmp_path / path, (0.3 * voice).astype(np.float32), 16_000)
    table.append("two/unaligned.wav\t1.0\tbea\ten-US\tCC0-1.0\twords")
    (tmp_path / "speech.tsv").write_text("\n".join(table) + "\n", encoding="utf-8")
    (tmp_path / "phones.tsv").write_text("\n".join(phones) + "\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def loud_model(tmp_path: Path) -> Path:
    """A model file that opens the jaw with loudness."""
    constants = {
        "hops": np.array([0, -1, 320], np.int64),
        "axis": np.array([2], np.int64),
        "shares": np.array([1.0, 0.1], np.float32),
    }
    nodes = [
        helper.make_node("Abs", ["waveform"], ["size"]),
        helper.make_node("Reshape", ["size", "hops"], ["rows"]),  # (B, N) -> (B, T, 320)
        helper.make_node("ReduceMean", ["rows", "axis"], ["level"], keepdims=1),
        helper.make_node("Mul", ["level", "shares"], ["channels"]),
    ]
    graph = helper.make_graph(
        nodes,
        "loud",
        [helper.make_tensor_value_info("waveform", TensorProto.FLOAT, ["B", "N"])],
        [helper.make_tensor_value_info("channels", TensorProto.FLOAT, ["B", "T", len(CHANNELS)])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(
        model,
        {
            "schema": "1", "name": "loud", "version": "0.1.0", "channels": json.dumps(CHANNELS),
            "sample_rate": "16000", "rate": "50", "context_s": "0.04", "look_ahead_s": "0.04", "emotions": "[]",
            "styles": "[]", "licence": "CC0-1.0", "training_data": "none: its weights are written by hand",
        },
    )  # fmt: skip
    path = tmp_path / "loud.onnx"
    onnx.save(model, path)
    return path


@pytest.fixture
def evaluate(corpus: Path) -> Callable[..., int]:
    """The command on that corpus, with further arguments."""
    return lambda *more: main(
        ["--corpus", str(corpus / "speech.tsv"), "--phones", str(corpus / "phones.tsv"), *map(str, more)]
    )


def test_a_model_is_scored_overall_and_by_group(
    evaluate: Callable[..., int], loud_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "score.json"
    assert evaluate("--model", loud_model, "--by", "folder", "speaker", "--json", out) == 0
    told = capsys.readouterr().out
    assert "3 kept, 1 no phone times" in told
    assert "| folder | takes |" in told
    assert "| ann | 1 |" in told
    result = json.loads(out.read_text(encoding="utf-8"))["weights"]
    assert result["overall"]["takes"] == 3
    assert result["by"]["speaker"].keys() == {"ann", "bea"}
    assert result["overall"]["classes"]["rounded"]["f1"]["40"] == 0  # a jaw rounds nothing
    assert not list(tmp_path.glob("*.partial"))


def test_what_users_get_can_be_scored_too(evaluate: Callable[..., int], loud_model: Path) -> None:
    assert evaluate("--model", loud_model, "--performed", "--limit", 1) == 0


def test_the_teacher_that_is_scored_is_the_one_that_the_student_learns_from(corpus: Path) -> None:
    utterances, phones = corpora.read(corpus / "speech.tsv"), read_phones(corpus / "phones.tsv")
    lines, _ = spoken_lines(utterances, phones)
    for index, line in enumerate(lines):
        _, taught, _ = prepare.prepare_line(line.utterance, line.phones)
        jaw = teacher_system()(index, lines).column("jawOpen")[: len(taught)]
        assert np.abs(jaw - taught[:, SOLO.index("jawOpen")]).max() < 2e-3


@pytest.mark.parametrize(("system", "least"), [(("--baseline", "viseme"), 95), (("--teacher",), 80)])
def test_systems_that_know_the_phones_score_high(
    system: tuple[str, ...], least: float, evaluate: Callable[..., int], tmp_path: Path
) -> None:
    assert evaluate(*system, "--json", tmp_path / "score.json") == 0
    assert json.loads((tmp_path / "score.json").read_text(encoding="utf-8"))["weights"]["overall"]["score"] >= least


@pytest.mark.parametrize("name", ["loudness", "shuffled"])
def test_every_baseline_runs_on_one_folder(
    name: str, evaluate: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate("--baseline", name, "--folders", "two") == 0
    assert "| two | 1 |" in capsys.readouterr().out


def test_an_unreadable_recording_is_left_out_and_said(
    evaluate: Callable[..., int], corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (corpus / "one" / "0.wav").write_bytes(b"no sound")
    assert evaluate("--baseline", "loudness") == 0
    told = capsys.readouterr()
    assert "2 kept, 1 no phone times, 1 unreadable recording" in told.out
    assert "left out: " in told.err
    assert "0.wav" in told.err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--model", "none.onnx"), "does not exist"),
        (("--baseline", "viseme", "--folders", "elsewhere"), "has no folder 'elsewhere' to choose"),
        (("--baseline", "viseme", "--mesh", "none.npz"), "cannot read the head"),
        (("--baseline", "viseme", "--performed"), "--performed is of a whole model"),
        (("--teacher", "--performed"), "--performed is of a whole model"),
        (("--live", "--performed"), "--performed is of a whole model"),
        (
            ("--baseline", "viseme", "--json", "no/such/folder/score.json"),
            "cannot be written: its folder does not exist",
        ),
        (("--baseline", "viseme", "--phones", "none.tsv"), "cannot read phone times"),
        (("--baseline", "viseme", "--corpus", "none.tsv"), "cannot read the corpus table"),
    ],
)
def test_what_the_user_can_mend_is_one_line(
    arguments: tuple[str, ...], reason: str, evaluate: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(*arguments) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert reason in errors[0]


def test_recordings_that_are_all_unreadable_are_an_error(
    evaluate: Callable[..., int], corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in corpus.glob("*/*.wav"):
        file.unlink()
    assert evaluate("--baseline", "loudness") == 2
    assert "no recording could be read" in capsys.readouterr().err
