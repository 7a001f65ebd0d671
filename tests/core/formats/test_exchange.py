"""Audio2Face JSON and NPZ, in and out, and what passes between formats."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from addon.core import archive, channels, formats, rigs
from addon.core.curves import Curves, lip_gap
from addon.core.errors import FormatError

RNG = np.random.default_rng(5)
FACE = Curves(RNG.uniform(0, 1, (90, 52)).astype(np.float32), channels.ARKIT, 30.0)


def document(**changes: Any) -> dict[str, Any]:
    """A file as the exporter writes it."""
    return {
        "exportFps": 60,
        "trackPath": "line.wav",
        "numPoses": 2,
        "numFrames": 3,
        "facsNames": ["jawOpen", "MouthClose"],
        "weightMat": [[0.1, 0.0], [0.2, 0.1], [0.3, 0.1]],
    } | changes


def test_audio2face_files_have_the_exporters_fields(tmp_path: Path) -> None:
    formats.write(tmp_path / "a.a2f.json", FACE, 30.0)
    table = json.loads((tmp_path / "a.a2f.json").read_text())
    assert list(table)[:6] == ["exportFps", "trackPath", "numPoses", "numFrames", "facsNames", "weightMat"]
    assert (table["exportFps"], table["numPoses"], table["numFrames"]) == (30, 52, 90)
    assert isinstance(table["exportFps"], int)
    assert tuple(table["facsNames"]) == channels.ARKIT
    np.testing.assert_allclose(table["weightMat"], FACE.values, atol=1e-6)


@pytest.mark.parametrize("name", ["a.json", "a.a2f.json", "A.A2F.JSON"])
def test_audio2face_files_are_known_by_what_is_in_them(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(json.dumps(document()))
    curves = formats.read(tmp_path / name)
    assert (curves.names, curves.rate) == (("jawOpen", "mouthClose"), 60.0)
    assert curves.values[1].tolist() == pytest.approx([0.2, 0.1])


def test_an_audio2face_file_without_its_rate_takes_the_one_that_is_given(tmp_path: Path) -> None:
    table = document()
    del table["exportFps"]
    (tmp_path / "a.json").write_text(json.dumps(table))
    assert formats.read(tmp_path / "a.json", 25.0).rate == 25.0
    recording = formats.record(tmp_path / "a.json")
    assert (recording.curves.rate, recording.notes) == (60.0, ("it says no exportFps; 60 frames a second assumed",))


def test_names_of_another_convention_become_channels(tmp_path: Path) -> None:
    rig = next(rig for rig in rigs.conventions() if rig.name == "arkit_lr")
    keys = rig.controls(FACE, tuple(rig.weights))
    table = document(facsNames=keys.names, numPoses=52, numFrames=90, weightMat=keys.values.tolist())
    (tmp_path / "a.json").write_text(json.dumps(table))
    recording = formats.record(tmp_path / "a.json")
    np.testing.assert_allclose(recording.curves.select(channels.ARKIT).values, FACE.values, atol=1e-5)
    assert recording.notes == (f"its names are those of {rig.title}",)


def test_weights_that_are_no_channel_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(document(facsNames=["jawOpen", "l_rx"], joints=["jaw"])))
    notes = formats.record(tmp_path / "a.json").notes
    assert notes == ("left out, for they are no channels: l_rx", "its joints (jaw and eyes) are left out")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"facsNames": ["jawOpen"]}, "row 1: 2 values for 1 names"),
        ({"facsNames": "jawOpen"}, "it names no channels"),
        ({"facsNames": ["jawOpen", "jawOpen"]}, "names 'jawOpen' twice"),
        ({"facsNames": ["jawOpen", "\ud800"]}, "which is no text; rename it"),
        ({"facsNames": ["jawOpen", "a\0"]}, "which is no text; rename it"),
        ({"facsNames": ["a\nb", "c"]}, r"names no channel that is known ('a\nb', c)"),
        ({"facsNames": ["a", "b"]}, "names no channel that is known"),
        ({"numFrames": 4}, "numFrames is '4', but it holds 3"),
        ({"numPoses": 7}, "numPoses is '7'"),
        ({"exportFps": 0}, "exportFps must be frames a second"),
        ({"exportFps": "fast"}, "exportFps must be frames a second"),
        ({"exportFps": 10**400}, "exportFps must be frames a second"),
        ({"exportFps": 1e-9}, "exportFps must be frames a second, 0.1 to 10000, not '1e-09'"),
        ({"weightMat": [[0.1, 0.0], [0.2], [0.3, 0.1]]}, "row 2: 1 values for 2 names"),
        ({"weightMat": [[0.1, 0.0], [0.2, None], [0.3, 0.1]]}, "not a number"),
        ({"weightMat": [[0.1, 0.0], [0.2, 1e99], [0.3, 0.1]]}, "not a number"),
        ({"weightMat": [[0.1, 0.0], [0.2, "x"], [0.3, 0.1]]}, "not an Audio2Face file"),
        ({"weightMat": [[0.1, 0.0], [0.2, "0.5"], [0.3, 0.1]]}, "row 2 holds '0.5', not a number"),
        ({"weightMat": [[0.1, 0.0], [0.2, 0.1], [True, 0.1]]}, "row 3 holds 'True', not a number"),
        ({"weightMat": [[0.1, 0.0], [0.2, 10**400], [0.3, 0.1]]}, "not an Audio2Face file"),
        ({"weightMat": {"jawOpen": 1}}, "its rows are no list"),
    ],
)
def test_audio2face_files_that_are_not_whole_are_refused_in_one_line(
    tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    (tmp_path / "a.json").write_text(json.dumps(document(**changes)))
    with pytest.raises(FormatError) as refusal:
        formats.read(tmp_path / "a.json")
    assert says in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


def test_npz_is_read_back_to_the_bit_and_written_to_the_same_bytes(tmp_path: Path) -> None:
    formats.write(tmp_path / "a.npz", FACE, 30.0, start_s=46_984.5)
    formats.write(tmp_path / "b.npz", FACE, 30.0, start_s=46_984.5)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    recording = formats.record(tmp_path / "a.npz")
    np.testing.assert_array_equal(recording.curves.values, FACE.values)
    assert (recording.curves.names, recording.curves.rate, recording.start_s) == (FACE.names, 30.0, 46_984.5)
    with np.load(tmp_path / "a.npz") as plain:
        assert sorted(plain.files) == ["names", "rate", "start_s", "values"]


@pytest.mark.parametrize("field", ["rate", "start_s"])
def test_npz_of_a_rate_or_a_start_beyond_sense_is_refused(tmp_path: Path, field: str) -> None:
    formats.write(tmp_path / "a.npz", FACE)
    with np.load(tmp_path / "a.npz") as held:
        np.savez(tmp_path / "b.npz", **{**held, field: np.float64(1e308)})
    with pytest.raises(FormatError, match=f"{field} must be"):
        formats.read(tmp_path / "b.npz")


def test_npz_that_would_run_code_or_is_not_whole_is_refused_in_one_line(tmp_path: Path) -> None:
    good = {"values": np.zeros((3, 2)), "names": np.array(["jawOpen", "mouthClose"]), "rate": np.float64(50)}
    bad: dict[str, dict[str, Any]] = {
        "allow_pickle": good | {"names": np.array(["jawOpen", None], object)},
        "it has no rate": {key: value for key, value in good.items() if key != "rate"},
        "for 2 names": good | {"values": np.zeros((3, 4))},
        "not a number": good | {"values": np.full((3, 2), np.nan)},
        "frames a second": good | {"rate": np.float64(-1)},
        "twice": good | {"names": np.array(["jawOpen", "jawOpen"])},
        "names (C,)": good | {"names": np.zeros(2)},
        "is not a curve file of NumPy": good | {"rate": np.zeros(3)},
    }
    for says, arrays in bad.items():
        np.savez(tmp_path / "a.npz", **arrays)
        with pytest.raises(FormatError) as refusal:
            formats.read(tmp_path / "a.npz")
        assert says in str(refusal.value)
        assert len(str(refusal.value).splitlines()) == 1


def test_an_npz_with_a_broken_header_is_refused(tmp_path: Path) -> None:
    formats.write(tmp_path / "a.npz", FACE, 30.0)
    whole = (tmp_path / "a.npz").read_bytes()
    for old, new in ((b"(90, 52)", b"(90; 52)"), (b"(90, 52)", b"(90, 52}"), (b"False, ", b"(((((, ")):
        (tmp_path / "a.npz").write_bytes(whole.replace(old, new))
        with pytest.raises(FormatError, match="is not a curve file of NumPy"):
            formats.read(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"hello", b"\x93NUMPY\x01\x00"])
def test_other_files_named_npz_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(FormatError):
        formats.read(tmp_path / "a.npz")


def test_a_single_array_named_npz_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "a.npz").open("wb") as file:
        np.save(file, np.zeros((3, 2)))
    with pytest.raises(FormatError, match="a single array"):
        formats.read(tmp_path / "a.npz")


@pytest.mark.parametrize("first", list(formats.SUFFIXES))
@pytest.mark.parametrize("second", list(formats.SUFFIXES))
def test_every_format_passes_through_every_other(tmp_path: Path, first: str, second: str) -> None:
    formats.write(tmp_path / f"a{first}", FACE, FACE.rate, 7.5)
    recording = formats.record(tmp_path / f"a{first}")
    formats.write(tmp_path / f"b{second}", recording.curves, recording.curves.rate, recording.start_s)
    back = formats.record(tmp_path / f"b{second}")
    np.testing.assert_allclose(back.curves.select(channels.ARKIT).values, FACE.values, atol=1e-6)
    assert back.curves.rate == 30.0
    if ".a2f.json" not in (first, second):
        assert back.start_s == 7.5


def test_what_a_format_has_no_place_for_is_told_if_it_moves(tmp_path: Path) -> None:
    turning = FACE.with_columns({"headYaw": np.ones(90, np.float32), "headRoll": np.zeros(90, np.float32)})
    assert formats.lost(tmp_path / "a.a2f.json", turning) == ".a2f.json has no place for headYaw"
    assert formats.lost(tmp_path / "a.a2f.json", FACE) is None
    assert formats.lost(tmp_path / "a.npz", turning) is None


def test_a_short_closure_survives_a_lower_rate_in_every_format(tmp_path: Path) -> None:
    close = np.zeros(100, np.float32)
    close[51] = 0.4
    speech = Curves(np.stack([np.full(100, 0.4, np.float32), close], axis=1), ("jawOpen", "mouthClose"), 50.0)
    for suffix in formats.SUFFIXES:
        formats.write(tmp_path / f"a{suffix}", speech, 24.0)
        assert lip_gap(formats.read(tmp_path / f"a{suffix}")).min() < 1e-6


def test_an_npz_that_would_fill_the_memory_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    formats.write(tmp_path / "a.npz", FACE, 30.0)
    monkeypatch.setattr(archive, "MOST_BYTES", 1000)
    with pytest.raises(FormatError, match="it would unpack to 0.0 GB"):
        formats.read(tmp_path / "a.npz")


def test_an_npz_that_is_packed_otherwise_is_refused_even_where_it_is_damaged(tmp_path: Path) -> None:
    formats.write(tmp_path / "a.npz", FACE, 30.0)
    with (
        zipfile.ZipFile(tmp_path / "a.npz") as plain,
        zipfile.ZipFile(tmp_path / "b.npz", "w", zipfile.ZIP_LZMA) as new,
    ):
        for name in plain.namelist():
            new.writestr(name, plain.read(name))
    content = bytearray((tmp_path / "b.npz").read_bytes())
    content[80] ^= 0xFF
    (tmp_path / "b.npz").write_bytes(content)
    with pytest.raises(FormatError, match="it is packed as NumPy packs nothing"):
        formats.read(tmp_path / "b.npz")


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_values_that_no_key_could_have_are_refused(tmp_path: Path, suffix: str) -> None:
    formats.write(tmp_path / f"a{suffix}", Curves(np.full((3, 1), -3e38, np.float32), ("jawOpen",), 50.0))
    with pytest.raises(FormatError, match=r"a value that is not a number, or beyond 1e\+09"):
        formats.read(tmp_path / f"a{suffix}")


def test_a_timecode_that_cannot_count_so_fast_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="cannot count 1500 frames a second; ask for 1000 or fewer"):
        formats.write(tmp_path / "a.csv", FACE, 1500.0)
    assert not list(tmp_path.iterdir())
