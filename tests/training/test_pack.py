"""A shard in parts, and back: the same bytes, or one line that says which part is at fault."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from model_training import pack, prepare
from model_training.corpora import CorpusError

PART_MIB = 0.4


@pytest.fixture(scope="module")
def parts(shard: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny corpus in several parts."""
    out = tmp_path_factory.mktemp("packed") / "parts"
    assert pack.main(["--shard", str(shard), "--out", str(out), "--part-mib", str(PART_MIB)]) == 0
    return out


@pytest.fixture
def copied(parts: Path, tmp_path: Path) -> Path:
    """The parts, to be damaged."""
    (tmp_path / "parts").mkdir()
    for file in parts.iterdir():
        (tmp_path / "parts" / file.name).write_bytes(file.read_bytes())
    return tmp_path / "parts"


def test_parts_are_small_and_give_the_shard_back_byte_for_byte(parts: Path, shard: Path, tmp_path: Path) -> None:
    files = sorted(parts.glob("part_*.zip"))
    assert len(files) > 1
    assert all(file.stat().st_size <= PART_MIB * 2**20 for file in files)
    packed, whole = (sum(f.stat().st_size for f in folder.iterdir() if f.is_file()) for folder in (parts, shard))
    assert packed < 0.7 * whole
    assert pack.main(["--parts", str(parts), "--out", str(tmp_path / "deep" / "shard")]) == 0
    for name in pack.FILES:
        assert (tmp_path / "deep" / "shard" / name).read_bytes() == (shard / name).read_bytes()
    assert [one.name for one in (tmp_path / "deep").iterdir()] == ["shard"]


def test_the_same_shard_gives_the_same_parts(parts: Path, shard: Path, tmp_path: Path) -> None:
    pack.pack(shard, tmp_path / "again", PART_MIB)
    assert (tmp_path / "again" / pack.LIST).read_bytes() == (parts / pack.LIST).read_bytes()


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda folder: (folder / "part_001.zip").unlink(), "'part_001.zip' is missing"),
        (lambda folder: (folder / "part_001.zip").write_bytes(b"half"), "'part_001.zip' of .* has arrived damaged"),
        (lambda folder: (folder / pack.LIST).unlink(), "cannot read .*parts.tsv"),
        (lambda folder: (folder / pack.LIST).write_text(""), "names no parts"),
        (lambda folder: (folder / pack.LIST).write_text("one\n"), "cannot read .*parts.tsv"),
        (lambda folder: (folder / pack.LIST).write_text("one" * 100_000), "cannot read .*parts.tsv"),
    ],
)
def test_what_arrived_damaged_is_named_and_nothing_is_written(
    harm: object, reason: str, copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(harm)
    harm(copied)
    assert pack.main(["--parts", str(copied), "--out", str(tmp_path / "shard")]) == 2
    error = capsys.readouterr().err.strip()
    assert "\n" not in error
    assert re.search(reason, error)
    assert [one.name for one in tmp_path.iterdir()] == ["parts"]


def test_nothing_that_is_there_is_written_over(
    parts: Path, shard: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pack.main(["--shard", str(shard), "--out", str(parts)]) == 2
    assert "holds parts already" in capsys.readouterr().err
    (tmp_path / "mine").write_text("here before")
    assert pack.main(["--parts", str(parts), "--out", str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert (tmp_path / "mine").read_text() == "here before"
    with pytest.raises(SystemExit, match="2"):
        pack.main(["--parts", str(parts), "--out", "."])


def test_a_shard_that_prepare_has_not_finished_is_not_packed(shard: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(shard, tmp_path / "shard")
    with (copy / "targets.f16").open("ab") as file:
        file.write(b"half a line")
    with pytest.raises(CorpusError, match=r"prepare has not finished .*shard': run it again"):
        pack.pack(copy, tmp_path / "parts")
    assert not (tmp_path / "parts").exists()


def test_a_line_too_long_for_a_part_says_what_would_do(
    shard: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pack.main(["--shard", str(shard), "--out", str(tmp_path / "parts"), "--part-mib", "0.1"]) == 2
    first = prepare.read_lines(shard)[0].path
    assert f"{first!r} does not fit into a part: give --part-mib 1 or more" in capsys.readouterr().err


@pytest.mark.parametrize("size", ["nan", "inf", "-1"])
def test_a_size_that_no_part_can_have_is_refused(tmp_path: Path, size: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        pack.main(["--shard", str(tmp_path), "--out", str(tmp_path / "parts"), f"--part-mib={size}"])
    assert "--part-mib must be above 0" in capsys.readouterr().err
