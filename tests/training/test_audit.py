from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from model_training import audit, corpora, prepare
from model_training.corpora import CorpusError

ROWS = {
    "train/good.wav": (1.0, "hello"),
    "train/mute.wav": (1.0, ""),
    "train/gone.wav": (1.0, "hello"),
    "train/broken.wav": (1.0, "hello"),
    "train/narrow.wav": (1.0, "hello"),
    "train/long.wav": (9.0, "hello"),
    "dev/other.wav": (1.0, "hello"),
}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A corpus with one line of every trouble."""
    rows = ["\t".join(corpora.COLUMNS)]
    for number, (path, (seconds, text)) in enumerate(ROWS.items()):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        rate = 8000 if "narrow" in path else 16_000
        noise = 0.1 * np.random.default_rng(number).standard_normal(rate)
        soundfile.write(tmp_path / path, noise, rate)
        rows.append(f"{path}\t{seconds}\tann\ten-US\tCC0-1.0\t{text}")
    (tmp_path / "train/gone.wav").unlink()
    (tmp_path / "train/broken.wav").write_bytes(b"no sound")
    (tmp_path / "speech.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path / "speech.tsv"


def test_every_trouble_is_listed_by_name(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main(["--corpus", str(table), "--out", str(tmp_path / "found.tsv")]) == 0
    rows = [line.split("\t") for line in (tmp_path / "found.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    assert {path: what for path, what, _ in rows} == {
        "train/mute.wav": "no text",
        "train/gone.wav": "missing file",
        "train/broken.wav": "unreadable audio",
        "train/narrow.wav": "rate too low",
        "train/long.wav": "wrong length",
    }
    assert "2 nothing wrong" in capsys.readouterr().out


def test_names_are_told_where_the_output_lacks_their_letters(table: Path) -> None:
    table.write_text(table.read_text(encoding="utf-8").replace("gone", "żółw"), encoding="utf-8")
    command = [sys.executable, "-m", "model_training.audit", "--corpus", str(table)]
    there = {**os.environ, "PYTHONIOENCODING": "cp1252"}  # as in a file or a pipe of Windows
    done = subprocess.run(command, env=there, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"train/\u017c\xf3\u0142w.wav" in done.stdout.replace(b"\xf3", rb"\xf3")


def test_a_recording_on_both_sides_of_the_split_is_refused(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.main(["--corpus", str(table), "--development", "dev"]) == 0
    shutil.copy(tmp_path / "train/good.wav", tmp_path / "dev/other.wav")
    capsys.readouterr()
    assert audit.main(["--corpus", str(table), "--development", "dev"]) == 2
    told = capsys.readouterr()
    assert "'train/good.wav' and 'dev/other.wav'" in told.err
    assert "same recording as another line" in told.out
    with pytest.raises(CorpusError, match="both|training and in development"):
        audit.refuse_leaks(corpora.read(table), ["dev"])
    audit.refuse_leaks(corpora.read(table), [])  # with no split there is nothing to leak


def test_a_folder_to_keep_out_that_is_not_there_is_refused(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "split.toml").write_text('[corpus]\ndevelopment = ["dev", "devv"]\n')
    inputs = ["--config", tmp_path / "split.toml", "--corpus", table, "--phones", tmp_path / "phones.tsv"]
    for command, given in (
        (audit.main, ["--corpus", table, "--development", "dev", "devv"]),
        (prepare.main, [*inputs, "--out", tmp_path / "shard"]),
    ):
        assert command([str(item) for item in given]) == 2
        told = capsys.readouterr()
        assert told.err == "error: the corpus has no folder 'devv' to keep out: known are dev, train\n"
        assert not told.out
    assert not (tmp_path / "shard").exists()


def test_prepare_refuses_a_recording_on_both_sides_before_anything_is_written(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(tmp_path / "train/good.wav", tmp_path / "dev/other.wav")
    (tmp_path / "split.toml").write_text('[corpus]\ndevelopment = ["dev"]\n')
    inputs = ["--config", tmp_path / "split.toml", "--corpus", table, "--phones", tmp_path / "phones.tsv"]
    assert prepare.main([str(item) for item in (*inputs, "--out", tmp_path / "shard")]) == 2
    assert "'train/good.wav' and 'dev/other.wav'" in capsys.readouterr().err
    assert not (tmp_path / "shard").exists()
