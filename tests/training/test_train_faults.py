"""A training that is killed, or meets a full disk: what was reached is kept, and it goes on exactly there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from addon.core.errors import FacewrightError
from model_training import config, train
from model_training.corpora import CorpusError
from model_training.whole import make_room, write_sound, write_whole
from tests.full_disk import disk_full_after

from .conftest import write_config

pytest.importorskip("resource", reason="kills and full disks are those of systems other than Windows")
ROOT = Path(__file__).parents[2]
PARTIAL = train.CHECKPOINT + ".partial"


def kill_while_it_saves(command: list[str], out: Path, after_steps: int) -> None:
    """Start a training, let it save once, and kill it in the middle of its second checkpoint."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while not (out / train.CHECKPOINT).exists():
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.002)
    os.mkfifo(out / PARTIAL)  # a pipe takes in no more than is read from it, so the save waits in its middle
    with (out / PARTIAL).open("rb") as pipe:
        written = pipe.read(10_000)
        assert len(written) == 10_000
        process.kill()
        process.wait()
    if process.stderr:
        process.stderr.close()
    (out / PARTIAL).unlink()
    (out / PARTIAL).write_bytes(written)  # as a file that was being written would be left
    assert train.load_checkpoint(out / train.CHECKPOINT)[1]["step"] == after_steps


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe to hold a save up")
def test_a_training_killed_in_mid_save_goes_on_exactly_where_it_was(
    run: Path, shard: Path, tiny_config: config.TrainingConfig, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    told = ["--config", write_config(tiny_config, tmp_path, save_every_steps=20), "--shard", shard, "--out", out]
    kill_while_it_saves([sys.executable, "-m", "model_training.train", *map(str, told)], out, after_steps=20)
    train.train(tiny_config, shard, out)
    assert not (out / PARTIAL).exists()
    assert (out / train.LOSSES).read_text() == (run / train.LOSSES).read_text()
    _, whole = train.load_checkpoint(run / train.CHECKPOINT)
    _, resumed = train.load_checkpoint(out / train.CHECKPOINT)
    for weights in ("network", "average"):
        assert all(torch.equal(whole[weights][name], value) for name, value in resumed[weights].items())
    states = whole["optimiser"]["state"], resumed["optimiser"]["state"]
    assert all(torch.equal(states[0][place]["exp_avg"], one["exp_avg"]) for place, one in states[1].items())


def test_dropout_is_the_same_after_going_on(shard: Path, tiny_config: config.TrainingConfig, tmp_path: Path) -> None:
    network = config.NetworkSettings(layers=1, width=32, heads=2, attention_tokens=4, dropout=0.3)

    def to(steps: int, out: Path) -> None:
        schedule = {"warmup_steps": 10, "learning_rate": 1e-3, "steps": steps, "save_every_steps": 2, "batch": 1}
        settings = config.from_table({"train": {**schedule, "crop_s": 0.5}, "corpus": {}})
        train.train(config.TrainingConfig(network=network, train=settings.train), shard, out)

    to(4, tmp_path / "whole")
    to(2, tmp_path / "parts")
    checkpoint = (tmp_path / "parts" / train.CHECKPOINT).read_bytes()
    to(4, tmp_path / "parts")
    whole, parts = (train.load_checkpoint(tmp_path / one / train.CHECKPOINT)[1] for one in ("whole", "parts"))
    assert checkpoint != (tmp_path / "parts" / train.CHECKPOINT).read_bytes()
    # The cosine of a shorter schedule is the same while the rate still warms up.
    assert all(torch.equal(whole["network"][name], value) for name, value in parts["network"].items())


@pytest.mark.parametrize(("what", "size"), [("checkpoint.pt", 20_000), ("losses.tsv", 6_000), ("run.json", 1_000)])
def test_a_full_disk_is_one_line_and_keeps_what_was_reached(
    what: str,
    size: int,
    run: Path,
    shard: Path,
    tiny_config: config.TrainingConfig,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "run"
    shutil.copytree(run, out)
    if what == "losses.tsv":
        heading, *rows = (out / what).read_text(encoding="utf-8").splitlines(keepends=True)
        many = [heading, *rows * (size // len("".join(rows)))]
        (out / what).write_text("".join(many), encoding="utf-8")
        size = len("".join(many)) + 20  # half a row more
    written = write_config(tiny_config, tmp_path, steps=80)
    told = [str(one) for one in ("--config", written, "--shard", shard, "--out", out)]
    before = (out / train.CHECKPOINT).read_bytes()
    with disk_full_after(size):
        assert train.main(told) == 2
    error = capsys.readouterr().err.strip()
    assert "\n" not in error
    assert f"{what}' (File too large): make room" in error
    assert (out / train.CHECKPOINT).read_bytes() == before
    assert not list(out.glob("*.partial"))
    assert train.main(told) == 0  # there is room again
    table = (out / train.LOSSES).read_text(encoding="utf-8").splitlines()
    assert [line.split("\t")[0] for line in table[-3:]] == ["60", "70", "80"]
    assert len({line.count("\t") for line in table}) == 1


@pytest.mark.parametrize(("name", "subtype"), [("a.wav", "FLOAT"), ("a.flac", "PCM_16")])
def test_a_sound_that_a_full_disk_cannot_hold_is_one_line_and_leaves_none(
    tmp_path: Path, name: str, subtype: str
) -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, 16_000).astype(np.float32)
    with disk_full_after(10_000), pytest.raises(CorpusError, match=f"cannot write .*{name}.* make room"):
        write_sound(tmp_path / name, noise, 16_000, subtype)
    assert not list(tmp_path.iterdir())
    write_sound(tmp_path / name, noise, 16_000, subtype)
    assert np.allclose(soundfile.read(tmp_path / name)[0], noise, atol=1e-4)


@pytest.mark.parametrize("place", [".", "/", "/dev/null"])
def test_a_place_that_is_no_file_is_refused(place: str) -> None:
    with pytest.raises(CorpusError, match="a folder or a device; name a file"):
        write_whole(Path(place), "nothing")
    with pytest.raises(FacewrightError, match="name a file"):
        make_room(Path(place))


def test_ctrl_c_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(file: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "new", bytes(1000))
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_take_a_file_leaves_nothing_half_written(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"before")
    with disk_full_after(10), pytest.raises(CorpusError, match="kept.*make room"):
        write_whole(tmp_path / "kept", bytes(1000))
    assert (tmp_path / "kept").read_bytes() == b"before"
    with pytest.raises(CorpusError, match=r"cannot write '.*kept/new' \(Not a directory\)"):
        write_whole(tmp_path / "kept" / "new", b"")
    assert [one.name for one in tmp_path.iterdir()] == ["kept"]
