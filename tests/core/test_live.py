from __future__ import annotations

import json
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from addon.core.errors import AudioError, FacewrightError, ModelError
from addon.core.live import LiveFace, Stream, bundled_live_path
from addon.core.model import FAST, FaceModel, bundled_model_path

NAMES = ("jawOpen", "mouthClose", "mouthPressLeft", "mouthPressRight")
SLOTS = ("jawOpen", "mouthClose", "mouthPress")
BEFORE = 4  # tokens that this model remembers
Array = np.ndarray


ROW_TOKENS = (1, 2, 3, 4, 5, 5)
MIXING = [[0.2, 0.5, 0.3], [0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.0, 0.4, 0.6], [0.25, 0.5, 0.25], [0.0, 0.0, 1.0]]
EASING = (0.5, 0.3, 0.2)
GAINS = (3.0, 9.0, 1.0, 2.0, 5.0, 0.5, 2.5, 7.0, 0.8)  # of a view's three slots
STREAM = {
    "slots": SLOTS,
    "token_samples": 384,
    "most_tokens": 20,
    "silent_samples": 512,
    "skipped_tokens": 2,
    "row_tokens": ROW_TOKENS,
    "mixing": MIXING,
    "easing": EASING,
}
METADATA = {
    "schema": "1",
    "listens": "live",
    "name": "tiny",
    "version": "0.1.0",
    "channels": json.dumps(NAMES),
    "sample_rate": "16000",
    "rate": "50",
    "context_s": "0.5",
    "look_ahead_s": "0.08",
    "emotions": "[]",
    "styles": "[]",
    "licence": "CC0-1.0",
    "training_data": "none: its weights are written by hand",
    "stream": json.dumps(STREAM),
}


def graph() -> onnx.GraphProto:
    """The loudness of each token, averaged with that of the four before it, moves every channel in its own measure."""
    constants = {
        "token": np.array([-1, 384], np.int64),
        "line": np.array([1, 1, -1], np.int64),
        "column": np.array([-1, 1], np.int64),
        "mean": np.full((1, 1, BEFORE + 1), 1 / (BEFORE + 1), np.float32),
        "gains": np.array([GAINS], np.float32),
        "view": np.array([-1, 3, 3], np.int64),
        "last": np.array([-BEFORE], np.int64),
        "end": np.array([2**31], np.int64),
        "axis": np.array([1], np.int64),
        "axis0": np.array([0], np.int64),
        "zero": np.array(0, np.int64),
    }
    nodes = [
        helper.make_node("Mul", ["place", "zero"], ["nothing"]),
        helper.make_node("Cast", ["nothing"], ["none"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["sound", "sound"], ["power"]),
        helper.make_node("Reshape", ["power", "token"], ["tokens"]),
        helper.make_node("ReduceMean", ["tokens", "axis"], ["square"], keepdims=0),
        helper.make_node("Sqrt", ["square"], ["plain"]),
        helper.make_node("Add", ["plain", "none"], ["level"]),
        helper.make_node("Concat", ["memory", "level"], ["whole"], axis=0),
        helper.make_node("Slice", ["whole", "last", "end", "axis0"], ["remembered"]),
        helper.make_node("Reshape", ["whole", "line"], ["signal"]),
        helper.make_node("Conv", ["signal", "mean"], ["smooth"]),
        helper.make_node("Reshape", ["smooth", "column"], ["levels"]),
        helper.make_node("MatMul", ["levels", "gains"], ["slots"]),
        helper.make_node("Reshape", ["slots", "view"], ["views"]),
    ]
    inputs = [
        helper.make_tensor_value_info("sound", TensorProto.FLOAT, ["N"]),
        helper.make_tensor_value_info("place", TensorProto.INT64, []),
        helper.make_tensor_value_info("memory", TensorProto.FLOAT, [BEFORE]),
    ]
    outputs = [
        helper.make_tensor_value_info("views", TensorProto.FLOAT, ["T", 3, 3]),
        helper.make_tensor_value_info("remembered", TensorProto.FLOAT, [BEFORE]),
    ]
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    return helper.make_graph(nodes, "tiny", inputs, outputs, initializers)


def saved(path: Path, **changes: str) -> Path:
    model = helper.make_model(graph(), opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, {**METADATA, **changes})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


@pytest.fixture(scope="module")
def live_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("live") / "tiny.onnx")


@pytest.fixture(scope="module")
def face(live_file: Path) -> LiveFace:
    return LiveFace.load(live_file, "cpu")


def heard(face: LiveFace, pieces: list[Array]) -> Array:
    face.reset()
    return np.concatenate([*(face.push(piece).values for piece in pieces), face.finish().values])


def by_hand(samples: Array) -> Array:
    """The same in a few lines of numpy: loudness of tokens, views, rows."""
    padded = np.concatenate([np.zeros(512), samples, np.zeros(4_000)])
    power = (padded[: len(padded) // 384 * 384].reshape(-1, 384) ** 2).mean(axis=1)
    level = np.convolve(np.sqrt(power), np.full(5, 0.2))[2 : len(power)]  # two tokens say nothing of the sound
    views = np.outer(level, GAINS).reshape(-1, 3, 3)
    rows = np.arange(-(-len(samples) // 320))
    near = views[rows // 6 * 5 + np.array(ROW_TOKENS)[rows % 6]]
    mixed = np.einsum("ts,tsc->ct", np.array(MIXING)[rows % 6], near)
    padded = np.pad(mixed, ((0, 0), (2, 0)), mode="edge")
    jaw, close, press = sum(share * padded[:, 2 - back : 2 - back + len(rows)] for back, share in enumerate(EASING))
    jaw, press = np.clip(jaw, 0, 1), np.clip(press, 0, 1)
    return np.stack([jaw, jaw / (1 + np.exp(-close)), press, press], axis=1)


def test_rows_are_those_that_a_few_lines_of_numpy_give(face: LiveFace, babble: Callable[..., Array]) -> None:
    samples = babble(3.0)[:47_111]
    np.testing.assert_allclose(heard(face, [samples]), by_hand(samples), atol=1e-5)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 31_000), max_size=60), count=st.integers(0, 31_000))
def test_however_the_sound_is_cut_the_rows_are_the_same(
    face: LiveFace, babble: Callable[..., Array], cuts: list[int], count: int
) -> None:
    samples = babble(2.0)[:count]
    rows = heard(face, np.split(samples, sorted(cut for cut in cuts if cut <= count)))
    assert rows.shape == (-(-count // 320), len(NAMES))
    np.testing.assert_allclose(rows, heard(face, [samples]), atol=1e-6)


def test_a_row_is_out_80_ms_of_sound_after_its_moment(face: LiveFace, babble: Callable[..., Array]) -> None:
    face.reset()
    for hop, sound in enumerate(np.split(babble(4.0), 200), 1):
        face.push(sound)
        late_ms = hop * 20 - 1000 * face.next_s  # of the first row that has not come out
        assert late_ms < face.look_ahead_ms == 80


def test_a_row_waits_for_the_sound_that_it_needs(face: LiveFace, babble: Callable[..., Array]) -> None:
    face.reset()
    assert len(face.push(babble(2.0)[:1_023]).values) == 0
    assert len(face.push(babble(2.0)[1_023:1_024]).values) == 1  # 64 ms


def test_finishing_or_starting_over_begins_another_stream(face: LiveFace, babble: Callable[..., Array]) -> None:
    first = heard(face, [babble(1.0)])
    face.push(babble(0.7, seed=3))
    face.reset()
    assert face.next_s == 0
    again = np.concatenate([face.push(babble(1.0)).values, face.finish().values])
    np.testing.assert_array_equal(again, first)
    assert face.next_s == 0


def test_no_sound_at_all_gives_no_row(face: LiveFace) -> None:
    assert heard(face, []).shape == heard(face, [np.zeros(0, np.float32)]).shape == (0, len(NAMES))


def test_ten_minutes_are_heard_in_the_memory_of_a_second(face: LiveFace, babble: Callable[..., Array]) -> None:
    face.reset()
    second = babble(1.0)
    held = []
    tracemalloc.start()
    for number in range(600):
        rows = face.push(second)
        if number in (10, 599):
            held.append((tracemalloc.get_traced_memory()[0], sum(map(sys.getsizeof, vars(face).values()))))
    tracemalloc.stop()
    assert len(rows.values) == 50
    assert held[1][0] - held[0][0] < 20_000
    assert held[1][1] - held[0][1] < 2_000


def test_lips_are_sealed_at_most_over_the_open_jaw(face: LiveFace, babble: Callable[..., Array]) -> None:
    rows = heard(face, [8 * babble(2.0)])
    assert rows.min() >= 0
    assert rows.max() == 1
    assert (rows[:, 1] <= rows[:, 0]).all()


@pytest.mark.parametrize("samples", [np.zeros(320), np.zeros((1, 320), np.float32), [0.0] * 320, np.zeros(9, np.int16)])
def test_samples_of_another_kind_are_refused(face: LiveFace, samples: Array) -> None:
    with pytest.raises(ValueError, match="need float32"):
        face.push(samples)


@pytest.mark.parametrize(("value", "said"), [(np.nan, "not a number at 1.010 s"), (np.inf, "1.010"), (2e4, "peaks at")])
def test_a_damaged_sample_is_named_and_the_stream_goes_on(
    face: LiveFace, babble: Callable[..., Array], value: float, said: str
) -> None:
    face.reset()
    rows = [face.push(babble(2.0)[:16_000]).values]
    hop = babble(2.0)[16_000:16_320].copy()
    hop[160] = value
    with pytest.raises(AudioError, match=said):
        face.push(hop)
    rows += [face.push(babble(2.0)[16_000:]).values, face.finish().values]
    np.testing.assert_array_equal(np.concatenate(rows), heard(face, [babble(2.0)[:16_000], babble(2.0)[16_000:]]))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("token_samples", np.inf),
        ("silent_samples", 10**16),
        ("skipped_tokens", 10**16),
        ("row_tokens", [10**30]),
        ("mixing", [[np.nan]]),
        ("easing", [np.inf]),
    ],
)
def test_numbers_of_a_stream_that_make_no_sense_are_refused(field: str, value: object) -> None:
    with pytest.raises(ModelError, match="'stream' makes no sense"):
        Stream.parse(json.dumps({**STREAM, field: value}), "'a.onnx'")
    with pytest.raises(ModelError, match="'stream' makes no sense"):
        Stream.parse(100_000 * "[", "'a.onnx'")


def test_files_that_are_no_live_model_are_refused_in_one_line(
    tiny_model: Path, live_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.onnx").write_text("no model")
    for path, said in [
        (tiny_model, "hears files, not a stream"),
        (tmp_path / "text.onnx", "is not a model that can be run"),
        (tmp_path / "none.onnx", "does not exist"),
        (saved(tmp_path / "a.onnx", stream="{}"), "'stream' makes no sense"),
        (saved(tmp_path / "b.onnx", stream=json.dumps({**STREAM, "token_samples": 0})), "'stream' makes no sense"),
        (saved(tmp_path / "c.onnx", stream=json.dumps({**STREAM, "mixing": [[1.0]]})), "'stream' makes no sense"),
        (saved(tmp_path / "i.onnx", stream=json.dumps({**STREAM, "easing": []})), "'stream' makes no sense"),
        (saved(tmp_path / "g.onnx", stream=json.dumps({**STREAM, "row_tokens": [5] * 5})), "'stream' makes no sense"),
        (saved(tmp_path / "h.onnx", stream=json.dumps({**STREAM, "row_tokens": [0, 2, 1, 3, 4, 5]})), "makes no sense"),
        (saved(tmp_path / "d.onnx", stream=json.dumps({**STREAM, "slots": ["jawOpen"]})), "'stream' makes no sense"),
        (saved(tmp_path / "e.onnx", channels='["cheekPuff"]'), "is not that of a live model"),
        (saved(tmp_path / "f.onnx", rate="60"), "50 rows"),
    ]:
        with pytest.raises(ModelError, match=said) as refusal:
            LiveFace.load(path, "cpu")
        assert "\n" not in str(refusal.value)
    with pytest.raises(FacewrightError, match="hears a stream, not files"):
        FaceModel.load(live_file)


def test_the_bundled_model_is_the_fast_models_other_ear(babble: Callable[..., Array]) -> None:
    live, file = LiveFace.load(bundled_live_path(), "cpu"), FaceModel.load(bundled_model_path(FAST))
    assert live.look_ahead_ms == 1000 * live.card.look_ahead_s == 80
    assert live.card.channels == file.card.channels
    assert (live.card.name, live.card.version) == (file.card.name, file.card.version)
    rows = heard(live, [babble(1.0)])
    assert rows.shape == (50, len(live.card.channels))
    assert np.ptp(rows, axis=0).max() > 0.05


def test_a_graph_that_answers_in_another_kind_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    whole = onnx.load(saved(tmp_path / "a.onnx"))
    for node in (
        helper.make_node("SequenceConstruct", ["plain_views"], ["views"]),
        helper.make_node("Cast", ["plain_views"], ["views"], to=TensorProto.STRING),
        helper.make_node("Identity", ["plain_views"], ["sights"]),
    ):
        model = onnx.ModelProto.FromString(whole.SerializeToString())
        model.graph.node[-1].output[:] = ["plain_views"]
        model.graph.node.append(node)
        model.graph.output[0].CopyFrom(onnx.ValueInfoProto(name=node.output[0]))
        (tmp_path / "a.onnx").write_bytes(model.SerializeToString())
        with pytest.raises(ModelError, match="is not that of a live model"):
            LiveFace.load(tmp_path / "a.onnx", "cpu")


@pytest.mark.parametrize(
    ("stream", "size", "said"),
    [
        ({"slots": [*SLOTS, "jawForward"]}, BEFORE, r"its views are \(\d+, 3, 3\) where \(\d+, 3, 4\) are due"),
        ({"mixing": [[1.0]] * 6}, BEFORE, r"its views are \(\d+, 3, 3\) where \(\d+, 1, 3\) are due"),
        ({"silent_samples": 5000}, BEFORE, "'stream' makes no sense"),
        ({}, "M", "is not that of a live model"),
        ({}, 10**13, "is not that of a live model"),
    ],
)
def test_a_graph_that_its_metadata_does_not_describe_is_refused_in_one_line(
    tmp_path: Path, babble: Callable[..., Array], stream: dict[str, object], size: int | str, said: str
) -> None:
    model = onnx.load(saved(tmp_path / "a.onnx", stream=json.dumps({**STREAM, **stream})))
    model.graph.input[2].CopyFrom(helper.make_tensor_value_info("memory", TensorProto.FLOAT, [size]))
    (tmp_path / "a.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=said) as refusal:
        heard(LiveFace.load(tmp_path / "a.onnx", "cpu"), [babble(1.0)])
    assert "\n" not in str(refusal.value)
