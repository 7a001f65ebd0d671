from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile
from onnx import TensorProto, helper

from addon.core.model import bundled_model_path
from model_training import corpora, kokoro, synthesis


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model of Kokoro's make whose voice is its style, over and over."""
    graph = helper.make_graph(
        [
            helper.make_node("Tile", ["style", "times"], ["long"]),
            helper.make_node("Mul", ["long", "speed"], ["loud"]),
            helper.make_node("Reshape", ["loud", "flat"], ["audio"]),
        ],
        "kokoro",
        [
            helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, None]),
            helper.make_tensor_value_info("style", TensorProto.FLOAT, [1, kokoro.STYLE]),
            helper.make_tensor_value_info("speed", TensorProto.FLOAT, [1]),
        ],
        [helper.make_tensor_value_info("audio", TensorProto.FLOAT, [None])],
        [
            helper.make_tensor("times", TensorProto.INT64, [2], [1, 150]),
            helper.make_tensor("flat", TensorProto.INT64, [1], [-1]),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(made, tmp_path / "kokoro.onnx")
    return tmp_path / "kokoro.onnx"


@pytest.fixture
def voices(tmp_path: Path) -> Path:
    """Two English voices and a Spanish one, each of one number."""
    folder = tmp_path / "voices"
    folder.mkdir()
    for number, name in enumerate(("af_one", "bm_two", "ef_three"), 1):
        np.full((510, kokoro.STYLE), number, "<f4").tofile(folder / f"{name}.bin")
    return folder


def test_a_corpus_is_spoken_that_the_trainer_reads_and_the_same_seed_speaks_it_again(
    tmp_path: Path, model: Path, voices: Path
) -> None:
    texts = tmp_path / "texts.tsv"
    say = "What we said here in the garden was heard by every bird upon the wall."
    texts.write_text(
        "\t".join(corpora.COLUMNS) + f"\na/1.wav\t1\tx\ten-US\tCC0\t{say}\nb/2.wav\t1\tx\ten-US\tCC0\tNot this.\n"
    )
    told = ["--model", model, "--voices", voices, "--minutes", ".1", "--languages", "en", "es", "--texts", texts]
    for name in ("one", "two"):
        assert kokoro.main([*map(str, told), "--folders", "a", "--out", str(tmp_path / name)]) == 0
    lines = corpora.read(tmp_path / "one" / synthesis.SPEECH)
    assert {line.folder for line in lines} == {"kokoro_en", "kokoro_es"}
    assert {line.text for line in lines if line.folder == "kokoro_en"} == {say}
    assert {line.language for line in lines if line.folder == "kokoro_es"} == {"es-ES"}
    assert len({line.speaker for line in lines}) > 3
    for line in lines:
        samples, rate = soundfile.read(line.file)
        assert rate == 16_000
        assert len(samples) / rate == pytest.approx(line.seconds, abs=0.001)
        assert 0.15 < np.abs(samples).max() < 0.75
    again = corpora.read(tmp_path / "two" / synthesis.SPEECH)
    assert [(one.path, one.speaker, one.text) for one in again] == [(one.path, one.speaker, one.text) for one in lines]


def test_the_sound_is_one_mixtures_and_the_manner_anothers(model: Path, voices: Path) -> None:
    half = kokoro.Mixture({"af_one": 0.75, "ef_three": 0.25})
    samples = kokoro.Kokoro.load(model, voices).say("Hello", "en-us", half, kokoro.Mixture({"ef_three": 1.0}), 1.0)
    assert np.quantile(samples, (0.25, 0.75)) == pytest.approx([1.5, 3.0], abs=0.05)


def test_a_mixture_carried_away_differs_more_from_the_mean_of_all_voices_in_the_same_direction(voices: Path) -> None:
    styles = {file.stem: np.fromfile(file, "<f4").reshape(-1, kokoro.STYLE) for file in voices.iterdir()}
    for far, is_ in ((1.0, 2.5), (1.5, 2.75), (0.0, 2.0)):
        mixture = kokoro.Mixture({"bm_two": 0.5, "ef_three": 0.5}, far)
        assert mixture.style(styles, 7) == pytest.approx(np.full(kokoro.STYLE, is_))


def test_what_is_read_is_what_espeak_says_with_the_punctuation_of_the_text() -> None:
    by_number = {number: letter for letter, number in kokoro.TOKENS.items()}
    assert "".join(by_number[one] for one in kokoro.tokens_of("Bob, wait!", "en-us")) == "bˈɑːb, wˈeɪt!"


def test_what_is_no_kokoro_is_refused_in_one_line(
    tmp_path: Path, model: Path, voices: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, short = tmp_path / "empty", tmp_path / "short"
    empty.mkdir()
    short.mkdir()
    (short / "af_x.bin").write_bytes(b"1234")
    odd = tmp_path / "odd"
    odd.mkdir()
    np.zeros(510 * kokoro.STYLE + 1, "<f4").tofile(odd / "af_x.bin")
    (tmp_path / "no.onnx").write_text("no model")
    for extra, says in (
        (["--model", tmp_path / "no.onnx"], "give its ONNX file"),
        (["--model", bundled_model_path()], "another model than Kokoro's"),
        (["--voices", empty], "holds no voices"),
        (["--voices", short], "is no voice of Kokoro's"),
        (["--voices", odd], "is no voice of Kokoro's"),
        (["--languages", "fr"], "no voice here is of the language 'fr'"),
    ):
        told = ["--model", model, "--voices", voices, "--out", tmp_path / "out", *extra]
        assert kokoro.main([*map(str, told)]) == 2
        err = capsys.readouterr().err
        assert says in err
        assert err.count("\n") == 1
    assert not (tmp_path / "out" / synthesis.SPEECH).exists()
