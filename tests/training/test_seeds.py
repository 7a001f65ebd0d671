"""The spread of runs that differ in their seed, and the refusal of runs that differ in more."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from model_training import config, seeds


def write_run(folder: Path, seed: int, score: float, **train: float) -> Path:
    settings = config.TrainingConfig(train=config.TrainSettings(seed=seed, **train))  # type: ignore[arg-type]
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({"config": dataclasses.asdict(settings), "parts": []}))
    f1 = {"closure": {"f1": {"40": score / 100}}, "labiodental": {"f1": {"40": 0.5}}}
    overall = {"score": score, "takes": 60, "classes": f1, "motion": {"jitter": 0.07}}
    (folder / "score.json").write_text(json.dumps({"weights": {"overall": overall, "by": {}}}))
    return folder


def test_the_spread_is_the_mean_and_the_deviation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [write_run(tmp_path / f"run{seed}", seed, score) for seed, score in enumerate((80.0, 82.0, 84.0))]
    assert seeds.main(["--runs", *map(str, runs)]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[2] == "| run0 | weights | 80.0 | 0.800 | 0.500 | 0.070 |"
    assert rows[-1] == "| mean of 3 | weights | 82.0 ± 2.0 | 0.820 ± 0.020 | 0.500 ± 0.000 | 0.070 ± 0.000 |"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("start", {"start": "runs/base/checkpoint.pt"}),
        ("shard", {"shard": {"lines_sha256": "another"}}),
        ("steps trained", {"to_step": 20}),
    ],
)
def test_runs_of_one_config_that_differ_otherwise_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, told: dict[str, object]
) -> None:
    usual = {"from_step": 0, "to_step": 40, "start": "moonshine", "shard": {"lines_sha256": "one"}}
    runs = [write_run(tmp_path / f"run{seed}", seed, 80.0) for seed in range(3)]
    for run, part in zip(runs, (usual, usual, usual | told), strict=True):
        record = json.loads((run / "run.json").read_text())
        (run / "run.json").write_text(json.dumps({**record, "parts": [part]}))
    assert seeds.main(["--runs", *map(str, runs[:2])]) == 0
    assert seeds.main(["--runs", *map(str, runs)]) == 2
    assert f"run2' differ in more than the seed: {name}" in capsys.readouterr().err


def test_runs_that_no_spread_can_be_taken_of_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = write_run(tmp_path / "first", 0, 80.0, workers=4)
    wider = write_run(tmp_path / "wider", 1, 82.0, batch=24)
    twin = write_run(tmp_path / "twin", 0, 81.0)
    unscored = write_run(tmp_path / "unscored", 2, 82.0)
    (unscored / "score.json").unlink()
    easier = write_run(tmp_path / "easier", 3, 90.0)
    older = write_run(tmp_path / "older", 4, 80.0)
    (older / "run.json").write_text('{"config": "tiny", "parts": [[]]}')
    (easier / "score.json").write_text((first / "score.json").read_text().replace('"takes": 60', '"takes": 8'))
    for others, reason in (
        ([], "needs two runs or more"),
        ([wider], "differ in more than the seed: train.batch"),
        ([twin], "have the same seed: 0, 0"),
        ([unscored], "holds no score.json"),
        ([easier], "not scored on the same lines"),
        ([older], "is from another version"),
        ([tmp_path], "is no run folder"),
    ):
        assert seeds.main(["--runs", str(first), *map(str, others)]) == 2
        error = capsys.readouterr().err.strip()
        assert reason in error
        assert "\n" not in error
