from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from addon.core import backend
from addon.core.audio import RATE
from addon.core.errors import ModelError, SettingsError
from addon.core.model import ALIGN_SAMPLES, HOP_SAMPLES, FaceModel, bundled_model_path, model_path, windows

Write = Callable[..., Path]


def rows_of(model: FaceModel, samples: np.ndarray, window_s: float, block: int = 7_000) -> np.ndarray:
    blocks = (samples[start : start + block] for start in range(0, len(samples), block))
    return np.concatenate([model.predict(window) for window in model.windows(blocks, window_s)])


@pytest.mark.parametrize("count", [1, 319, 320, 321, 640, 15_999, 16_000, 79_999, 80_000, 163_333])
def test_every_started_row_is_given_once(face_model: FaceModel, babble: Callable[..., np.ndarray], count: int) -> None:
    assert rows_of(face_model, babble(12.0)[:count], 1.0).shape == (-(-count // 320), len(face_model.card.channels))


@pytest.mark.parametrize("window_s", [1.0, 1.7, 3.3, 11.0, 60.0])
def test_windows_of_any_length_give_the_same_as_the_whole(
    face_model: FaceModel, babble: Callable[..., np.ndarray], window_s: float
) -> None:
    samples = babble(11.03)
    context = np.zeros(RATE, np.float32)
    padded = np.concatenate([context, samples, context, np.zeros(-len(samples) % 640, np.float32)])
    whole = face_model.run(padded[np.newaxis])[0][50:][: -(-len(samples) // 320)]
    np.testing.assert_allclose(rows_of(face_model, samples, window_s), whole, atol=1e-5)


def test_a_model_that_may_hear_further_than_the_silence_round_a_line_moves_no_row(
    face_model: FaceModel, altered_model: Write, babble: Callable[..., np.ndarray]
) -> None:
    samples, far = babble(5.0), FaceModel.load(altered_model(context_s="2"))
    np.testing.assert_allclose(rows_of(far, samples, 1.2), rows_of(face_model, samples, 1.2), atol=1e-6)


def test_a_model_whose_values_are_no_numbers_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    spoilt = onnx.load(tiny_model)
    gain = next(item for item in spoilt.graph.initializer if item.name == "gain")
    gain.CopyFrom(numpy_helper.from_array(np.array(np.nan, np.float32), "gain"))
    onnx.save(spoilt, tmp_path / "spoilt.onnx")
    with pytest.raises(ModelError, match="output channels holds values that are not numbers; train it again"):
        rows_of(FaceModel.load(tmp_path / "spoilt.onnx"), np.zeros(RATE, np.float32), 1.0)


def test_windows_do_not_depend_on_how_the_sound_is_cut_into_blocks(babble: Callable[..., np.ndarray]) -> None:
    samples = babble(5.0)
    large = list(windows([samples], 16_000, 6_400))
    small = list(windows((samples[i : i + 111] for i in range(0, len(samples), 111)), 16_000, 6_400))
    assert len(large) == len(small) == 5
    for a, b in zip(large, small, strict=True):
        assert (a.rows, a.end_s) == (b.rows, b.end_s)
        np.testing.assert_array_equal(a.samples, b.samples)


@pytest.mark.parametrize("body", [2, 5, 40])
def test_silence_round_the_file_is_heard_for_six_tenths_of_a_second_and_no_more(body: int) -> None:
    samples = np.arange(1, 20 * ALIGN_SAMPLES + 1, dtype=np.float32)
    padded = np.pad(samples, 30 * ALIGN_SAMPLES)  # as much as the surroundings
    cut = list(windows([samples], body * ALIGN_SAMPLES, 30 * ALIGN_SAMPLES))
    first = 30 * ALIGN_SAMPLES
    for window in cut:
        start = first - window.context
        left, right = max(start, 25 * ALIGN_SAMPLES), min(start + len(window.samples), 55 * ALIGN_SAMPLES)
        np.testing.assert_array_equal(window.heard, padded[left:right])
        assert window.before == left - start
        first += window.rows * HOP_SAMPLES
    assert first == 50 * ALIGN_SAMPLES


def test_the_same_sound_gives_the_same_bytes(face_model: FaceModel, babble: Callable[..., np.ndarray]) -> None:
    assert rows_of(face_model, babble(3.0), 2.0).tobytes() == rows_of(face_model, babble(3.0), 2.0).tobytes()


def test_dead_silence_is_fine(face_model: FaceModel) -> None:
    assert np.isfinite(rows_of(face_model, np.zeros(16_000, np.float32), 5.0)).all()


def test_the_card_says_what_the_file_says(face_model: FaceModel) -> None:
    assert face_model.card.name == "tiny"
    assert face_model.card.channels[0] == "jawOpen"
    assert face_model.card.inputs == ("waveform",)
    assert face_model.note is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("schema", None),
        ("schema", "2"),
        ("name", None),
        ("name", " "),
        ("version", None),
        ("channels", None),
        ("channels", "jawOpen"),
        ("channels", "[]"),
        ("channels", '["jawOpen", "jawOpen"]'),
        ("channels", '["jawOpen", "smirk"]'),
        ("channels", '{"jawOpen": 1}'),
        ("channels", 100_000 * "["),
        ("sample_rate", "48000"),
        ("rate", "60"),
        ("context_s", "much"),
        ("context_s", "-1"),
        ("context_s", "nan"),
        ("context_s", "1e9"),
        ("look_ahead_s", None),
        ("look_ahead_s", "0.53"),
        ("emotions", "[1]"),
        ("styles", "neutral"),
        ("licence", None),
        ("training_data", None),
    ],
)
def test_a_bad_field_is_refused_by_name(altered_model: Write, field: str, value: str | None) -> None:
    with pytest.raises(ModelError, match=f"'altered.onnx': metadata field '{field}'") as refusal:
        FaceModel.load(altered_model(**{field: value}))
    assert len(str(refusal.value).splitlines()) == 1


def test_what_a_model_says_of_itself_has_no_say_over_the_terminal(altered_model: Write) -> None:
    assert FaceModel.load(altered_model(name="red\x1b[31m\nface")).card.name == "red [31m face"


def test_a_graph_of_another_width_or_name_is_refused(altered_model: Write) -> None:
    with pytest.raises(ModelError, match="is 5 wide, metadata names 6"):
        FaceModel.load(altered_model({"width": 5}))
    with pytest.raises(ModelError, match="no float output 'channels'"):
        FaceModel.load(altered_model({"output": "weights"}))
    unknown = helper.make_tensor_value_info("pitch", TensorProto.FLOAT, ["B"])
    with pytest.raises(ModelError, match="graph input 'pitch'"):
        FaceModel.load(altered_model({"extra": [unknown]}))


def test_emotion_and_style_are_fed_if_the_graph_asks_for_them(altered_model: Write) -> None:
    emotion = helper.make_tensor_value_info("emotion", TensorProto.FLOAT, ["B", 2])
    style = helper.make_tensor_value_info("style", TensorProto.INT64, ["B"])
    model = FaceModel.load(altered_model({"extra": [emotion, style]}, emotions='["joy", "anger"]', styles='["a", "b"]'))
    assert model.run(np.zeros((3, 640), np.float32), style=1).shape == (3, 2, 6)
    with pytest.raises(ModelError, match="knows 2 styles; there is no number 2"):
        model.run(np.zeros((3, 640), np.float32), style=2)


def test_a_run_that_fails_is_told_in_one_line(face_model: FaceModel) -> None:
    with pytest.raises(ModelError, match="stopped on cpu") as refusal:
        face_model.run(np.zeros((1, 641), np.float32))
    assert len(str(refusal.value).splitlines()) == 1


def test_files_that_are_no_model_are_refused_in_one_line(tmp_path: Path, tiny_model: Path) -> None:
    whole = tiny_model.read_bytes()
    for content in (b"", b"hello", b"\x00" * 500, whole[: len(whole) // 2], json.dumps({"a": 1}).encode()):
        path = tmp_path / "new\nline.onnx"
        path.write_bytes(content)
        with pytest.raises(ModelError, match="not a model") as refusal:
            FaceModel.load(path)
        assert len(str(refusal.value).splitlines()) == 1
    for missing in (tmp_path / "nothing.onnx", tmp_path):
        with pytest.raises(ModelError, match="does not exist"):
            FaceModel.load(missing)
    with pytest.raises(ModelError, match="cannot be read"):
        FaceModel.load(tmp_path / ("n" * 300 + ".onnx"))


@pytest.mark.parametrize("text", [b"waveform", b"CC0-1.0", b"Reshape"])
def test_a_model_whose_texts_are_none_is_refused_and_nothing_is_printed(
    tmp_path: Path, tiny_model: Path, capfd: pytest.CaptureFixture[str], text: bytes
) -> None:
    (tmp_path / "a.onnx").write_bytes(tiny_model.read_bytes().replace(text, text[:-1] + b"\xff"))
    with pytest.raises(ModelError, match="not a model that can be run"):
        FaceModel.load(tmp_path / "a.onnx")
    assert tuple(capfd.readouterr()) == ("", "")


def test_a_device_that_is_not_there_falls_back_and_says_so(tiny_model: Path) -> None:
    for device in set(backend.DEVICES) - set(backend.available()) - {"auto"}:
        model = FaceModel.load(tiny_model, device)
        assert model.backend.device == "cpu"
        assert model.note == f"{device} is not available here; running on the CPU"
        assert model.run(np.zeros((1, 640), np.float32)).shape == (1, 2, 6)


def test_an_unknown_device_is_refused(tiny_model: Path) -> None:
    with pytest.raises(SettingsError, match="'gpu'"):
        FaceModel.load(tiny_model, "gpu")


def test_an_empty_path_or_a_name_is_a_bundled_model(tmp_path: Path) -> None:
    assert model_path("") == model_path("base") == bundled_model_path()
    assert bundled_model_path().parts[-3:] == ("addon", "models", "base.onnx")
    assert model_path("fast") == bundled_model_path().with_name("fast.onnx")
    assert model_path("./fast") == Path("fast")
    assert model_path(str(tmp_path / "a.onnx")) == tmp_path / "a.onnx"


def test_the_fast_model_is_another_and_smaller() -> None:
    fast, base = (FaceModel.load(bundled_model_path(name), "cpu") for name in ("fast", "base"))
    assert (fast.card.name, base.card.name) == ("fast", "base")
    assert fast.card.channels == base.card.channels
    assert bundled_model_path("fast").stat().st_size < bundled_model_path().stat().st_size / 2


def test_a_model_whose_name_is_no_text_is_read_all_the_same(tmp_path: Path, tiny_model: Path) -> None:
    odd = tmp_path / os.fsdecode("模型 \udcff'\n.onnx".encode("utf-8", "surrogateescape"))
    odd.write_bytes(tiny_model.read_bytes())
    assert FaceModel.load(odd).card.name == "tiny"


@pytest.mark.parametrize(("system", "remedy"), [("win32", "Redistributable"), ("linux", "install Facewright")])
def test_an_onnxruntime_that_cannot_be_loaded_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, system: str, remedy: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModelError, match=rf"onnxruntime cannot be loaded: .*; .*{remedy}") as told:
        FaceModel.load(bundled_model_path())
    assert "\n" not in str(told.value)
