from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from addon.cli import main
from addon.core import channels, formats, rigs
from addon.core.curves import Curves

Run = Callable[..., tuple[int, str]]
FACE = Curves(np.random.default_rng(4).uniform(0, 1, (60, 52)).astype(np.float32), channels.ARKIT, 30.0)


@pytest.fixture
def convert(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `convert`: exit status, and what it said on stderr."""

    def command(*arguments: object) -> tuple[int, str]:
        status = main(["convert", *(str(item) for item in arguments)])
        out, err = capsys.readouterr()
        assert out == ""
        return status, err

    return command


def test_a_take_becomes_every_format_at_its_own_rate(convert: Run, tmp_path: Path) -> None:
    formats.write(tmp_path / "take.csv", FACE, 30.0, 46_984.0)
    for suffix in formats.SUFFIXES:
        out = tmp_path / f"out{suffix}"
        assert convert(tmp_path / "take.csv", "-o", out) == (0, "")
        recording = formats.record(out)
        assert (recording.curves.rate, len(recording.curves.values)) == (30.0, 60)
        np.testing.assert_allclose(recording.curves.select(channels.ARKIT).values, FACE.values, atol=1e-6)
        assert recording.start_s in ((None,) if suffix == ".a2f.json" else (46_984.0,))


def test_rates_can_be_told_and_asked_for(convert: Run, tmp_path: Path) -> None:
    formats.write(tmp_path / "take.csv", FACE, 24.0)
    convert(tmp_path / "take.csv", "-o", tmp_path / "a.npz", "--file-fps", "23.976")
    assert formats.read(tmp_path / "a.npz").rate == 23.976
    convert(tmp_path / "take.csv", "-o", tmp_path / "a.npz", "--fps", "60")
    assert formats.read(tmp_path / "a.npz").rate == 60.0


def test_what_is_lost_or_odd_is_noted(convert: Run, tmp_path: Path) -> None:
    turning = FACE.with_columns({"headYaw": np.ones(60, np.float32)})
    formats.write(tmp_path / "take.csv", turning, 30.0)
    text = (tmp_path / "take.csv").read_text()
    (tmp_path / "take.csv").write_text(text[:-300].replace("TongueOut", "Tung"))
    status, err = convert(tmp_path / "take.csv", "-o", tmp_path / "a.a2f.json")
    assert status == 0
    assert err.splitlines() == [
        "facewright: note: its last row is cut off and left out",
        "facewright: note: no column for tongueOut; at rest",
        "facewright: note: columns left out: Tung",
        "facewright: note: .a2f.json has no place for headYaw",
    ]


@pytest.mark.parametrize("names", [("Drop", "Seal"), ("jaw_open", "EyeBlink_L")])
@pytest.mark.parametrize(("first", "second"), [("a.json", "b.npz"), ("a.npz", "b.json"), ("a.npz", "b.npz")])
def test_names_stay_as_they_are_where_the_output_has_a_place_for_them(
    convert: Run, tmp_path: Path, names: tuple[str, ...], first: str, second: str
) -> None:
    formats.write(tmp_path / first, Curves(FACE.values[:, :2], names, 30.0), 30.0)
    assert convert(tmp_path / first, "-o", tmp_path / second) == (0, "")
    held = formats.as_named(tmp_path / second).curves
    assert held.names == names
    np.testing.assert_allclose(held.values, FACE.values[:, :2], atol=1e-6)


@pytest.mark.parametrize("output", ["a.csv", "a.a2f.json"])
@pytest.mark.parametrize("file", ["lr.json", "lr.npz"])
def test_names_of_a_convention_become_channels_where_these_alone_have_a_place(
    convert: Run, tmp_path: Path, file: str, output: str
) -> None:
    rig = next(rig for rig in rigs.conventions() if rig.name == "arkit_lr")
    formats.write(tmp_path / file, rig.controls(FACE, tuple(rig.weights)), 30.0)
    assert convert(tmp_path / file, "-o", tmp_path / output) == (
        0,
        f"facewright: note: its names are those of {rig.title}\n",
    )
    np.testing.assert_allclose(formats.read(tmp_path / output).select(channels.ARKIT).values, FACE.values, atol=1e-5)


@pytest.mark.parametrize("file", ["own.json", "own.npz"])
@pytest.mark.parametrize(
    ("name", "output", "says"),
    [
        ("Drop", "a.csv", "names no channel that is known (Drop)"),
        ("headYaw", "a.a2f.json", "'a.a2f.json' has no place for headYaw, and there is nothing else"),
    ],
)
def test_a_take_that_would_hold_nothing_is_refused(
    convert: Run, tmp_path: Path, file: str, name: str, output: str, says: str
) -> None:
    formats.write(tmp_path / file, Curves(FACE.values[:, :1], (name,), 30.0), 30.0)
    status, err = convert(tmp_path / file, "-o", tmp_path / output)
    assert (status, len(err.splitlines())) == (2, 1)
    assert says in err
    assert not (tmp_path / output).exists()


def test_a_rate_that_would_fill_the_memory_is_refused(tmp_path: Path, convert: Run) -> None:
    slow = Curves(np.zeros((200_000, 1), np.float32), ("jawOpen",), 0.1)
    formats.write(tmp_path / "slow.npz", slow, slow.rate)
    status, err = convert(tmp_path / "slow.npz", "-o", tmp_path / "fast.npz", "--fps", 1000)
    assert (status, err) == (2, "facewright: 2000000 s at 1000 rows a second would fill the memory; ask for fewer\n")
    assert not (tmp_path / "fast.npz").exists()


def test_what_cannot_be_done_is_one_line_and_writes_nothing(convert: Run, tmp_path: Path) -> None:
    formats.write(tmp_path / "take.csv", FACE)
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n")
    for arguments, says in (
        ((tmp_path / "take.csv", "-o", tmp_path / "take.csv"), "is the file itself"),
        ((tmp_path / "take.csv", "-o", tmp_path / "a.fbx"), "unknown ending '.fbx'"),
        ((tmp_path / "take.usd", "-o", tmp_path / "a.csv"), "unknown ending '.usd'"),
        ((tmp_path / f"{300 * 'a'}.csv", "-o", tmp_path / "a.csv"), "cannot be read: File name too long"),
        ((tmp_path / "none.csv", "-o", tmp_path / "a.csv"), "cannot be read"),
        ((tmp_path / "odd.csv", "-o", tmp_path / "a.csv"), "is not a Live Link Face take"),
        ((tmp_path / "take.csv", "-o", tmp_path / "a.csv", "--fps", "0"), "--fps must be"),
        ((tmp_path / "take.csv", "-o", tmp_path / "a.csv", "--file-fps", "nan"), ": --file-fps must be 1 to 1000"),
        ((tmp_path / "take.csv", "-o", tmp_path / "no" / "a.csv"), "its folder does not exist"),
    ):
        status, err = convert(*arguments)
        assert (status, len(err.splitlines())) == (2, 1)
        assert says in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["odd.csv", "take.csv"]
