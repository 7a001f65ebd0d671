from __future__ import annotations

import dataclasses
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from model_training import config, prepare, train
from model_training.checkpoint import resume
from model_training.corpora import CorpusError
from model_training.dataset import Batches, _mute, degrade
from model_training.losses import Criterion
from model_training.network import FaceNetwork
from model_training.train import TrainingError

from .conftest import CONFIGS, write_config


@pytest.mark.parametrize("name", sorted(file.stem for file in CONFIGS.glob("*.toml")))
def test_shipped_configs_are_read_and_written_back(name: str) -> None:
    settings = config.load(CONFIGS / f"{name}.toml")
    assert config.from_table(json.loads(json.dumps(config.to_table(settings)))) == settings


@pytest.mark.parametrize("content", [b"seed = ", b"\xff\xfe", b"seed = 1" + 5000 * b"0", b"seed = " + 5000 * b"["])
def test_a_config_that_is_no_toml_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(CorpusError, match="cannot read the training config") as refusal:
        config.load(tmp_path / "a.toml")
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ({"train": {"stepps": 3}}, "train.stepps"),
        ({"train": {"steps": "many"}}, "train.steps"),
        ({"train": {"steps": -3}}, "train.steps of the training config must be 1 or more"),
        ({"train": 3}, "train"),
        ({"train": {"seed": -1}}, "train.seed of the training config must be 0 or more"),
        ({"train": {"seed": 2**63}}, "train.seed of the training config must be below 9223372036854775808"),
        ({"loss": {"closure_rows": -3.0}}, "loss.closure_rows .* must be above 0, not -3.0"),
        ({"loss": {"velocity": -1.0}}, "loss.velocity .* must be 0 or more, not -1.0"),
        ({"loss": {"channels": float("nan")}}, "loss.channels .* must be 0 or more, not nan"),
        ({"loss": {"contrast": float("inf")}}, "loss.contrast .* must be 0 or more, not inf"),
        ({"train": {"precision": "float16"}}, "must be float32 or bf16, not 'float16'"),
        ({"train": {"live": 1.5}}, "must be a share, 0 to 1, not 1.5"),
        ({"train": {"live": 0.5}}, "train.live of the training config needs network.front = 'waveform'"),
        ({"network": {"front_rank": 8}}, "network.front_rank of the training config must be 0"),
        ({"network": {"width": 64, "heads": 3}}, r"network.heads .* must be a part of network.width \(64\), not 3"),
        ({"network": {"dropout": 1.5}}, "network.dropout .* must be 0 or more and below 1, not 1.5"),
        ({"corpus": {"weights": {"x": "2"}}}, "corpus.weights.x .* must be 0 or more, not '2'"),
        ({"corpus": {"weights": {"x": -1.0}}}, "corpus.weights.x .* must be 0 or more, not -1.0"),
        ({"corpus": {"languages": [1]}}, "corpus.languages .* must be a list of names"),
        ({"augment": {"snr_db": [5]}}, "augment.snr_db .* must be two numbers, the lower first, not"),
        ({"augment": {"snr_db": ["a", "b"]}}, "augment.snr_db .* must be two numbers"),
        ({"augment": {"room": 1.2}}, "augment.room .* must be a share, 0 to 1, not 1.2"),
        ({"train": {"crop_s": -1.2}}, "train.crop_s .* must be above 0, not -1.2"),
        ({"train": {"learning_rate": 10**400}}, "train.learning_rate of the training config must be float, not 10"),
        ({"train": {"learning_rate": True}}, "train.learning_rate of the training config must be float, not True"),
        ({"corpus": {"weights": {"x": 10**400}}}, "corpus.weights.x .* must be 0 or more, not 10"),
        ({"train": {"learning_rate": float("nan")}}, "train.learning_rate .* must be 0 or more, not nan"),
    ],
)
def test_an_unknown_or_mistyped_setting_is_named(table: dict[str, object], named: str) -> None:
    with pytest.raises(CorpusError, match=named):
        config.from_table(table)


def test_a_batch_is_the_same_for_the_same_number(shard: Path, tiny_config: config.TrainingConfig) -> None:
    def batches() -> Batches:
        return Batches(prepare.open_shard(shard), tiny_config)

    first = batches()
    first.batch(0)
    one, other = first.batch(5), batches().batch(5)
    assert torch.equal(one.waveform, other.waveform)
    assert torch.equal(one.targets, other.targets)
    assert one.waveform.shape[1] == 320 * one.targets.shape[1] == 320 * one.phones.shape[1]
    assert one.waveform.abs().max() <= 1
    assert one.waveform.dtype == torch.float32


def test_curves_move_as_smoothly_at_another_speed_as_at_their_own(
    shard: Path, tiny_config: config.TrainingConfig
) -> None:
    def trembling(speed: float) -> float:
        augment = config.AugmentSettings(speed=speed, mute=0)
        batches = Batches(prepare.open_shard(shard), dataclasses.replace(tiny_config, augment=augment))
        bends = [batches.batch(number).targets.diff(n=2, dim=1).abs().mean() for number in range(20)]
        return float(torch.stack(bends).mean())

    assert trembling(0.15) < 1.05 * trembling(0.0)


def test_weights_that_leave_no_line_are_refused(shard: Path, tiny_config: config.TrainingConfig) -> None:
    nothing = config.CorpusSettings(weights=dict.fromkeys((line.folder for line in prepare.read_lines(shard)), 0.0))
    with pytest.raises(CorpusError, match="corpus.weights of the config leaves nothing of the shard"):
        Batches(prepare.open_shard(shard), dataclasses.replace(tiny_config, corpus=nothing))


def test_a_training_says_how_much_it_hears_of_each_folder_and_which_weight_is_of_none(
    shard: Path, tiny_config: config.TrainingConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = prepare.read_lines(shard)
    first, *others = sorted({line.folder for line in lines})
    weighed = config.CorpusSettings(weights={first: 3.0, "misspelt": 2.0})
    one = dataclasses.replace(tiny_config.train, steps=1)
    train.train(dataclasses.replace(tiny_config, corpus=weighed, train=one), shard, tmp_path)
    said = capsys.readouterr().out
    rows = sum(line.rows * (3 if line.folder == first else 1) for line in lines)
    share = sum(3 * line.rows for line in lines if line.folder == first) / rows
    assert f"heard: {first} {share:.1%}" in said
    assert all(f", {folder} " in said for folder in others)
    assert "not in the shard, though corpus.weights names it: misspelt\n" in said


def test_a_muted_stretch_fades_at_its_own_edges_and_not_at_the_crops() -> None:
    rows, edges = 30, set()
    for seed in range(40):
        waveform, targets = np.ones(rows * 320, np.float32), np.ones((rows, 1), np.float32)
        phones = np.ones(rows, np.uint8)
        _mute(waveform, targets, phones, np.random.default_rng(seed))
        quiet = np.flatnonzero(np.abs(waveform.reshape(rows, 320)).max(axis=1) < 0.5)
        first, last = quiet[0], quiet[-1]
        within = (first > 0, last < rows - 1)  # which of its edges lie inside the crop
        edges.add(within)
        assert (targets[:first] == 1).all()
        assert (targets[last + 1 :] == 1).all()
        assert np.flatnonzero(phones == 0).tolist() == list(range(first, last + 1))  # a pause
        assert not targets[first + 4 * within[0] : last + 1 - 4 * within[1]].any()
        assert targets[first, 0] == 1 or not within[0]
        assert targets[last, 0] == 1 or not within[1]
    assert len(edges) == 4


def test_a_room_echoes_only_what_was_said_before() -> None:
    clean = np.zeros((8, 40_000), np.float32)
    clean[:, 30_000:] = np.random.default_rng(0).standard_normal((8, 10_000)) / 10
    room = config.AugmentSettings(0, 0, 0, 0, 0, 0, 0, room=1.0)
    heard = degrade(clean, room, np.random.default_rng(1))
    before, after = (np.abs(part).max(axis=1) for part in (heard[:, 2_000:28_000], heard[:, 30_000:]))
    assert (before < 0.03 * after).all()  # what is left is the microphone's own


def test_degraded_speech_is_still_that_speech() -> None:
    rng = np.random.default_rng(1)
    clean = np.sin(np.arange(16000) * 0.1).astype(np.float32)[None].repeat(3, axis=0) * 0.3
    none = config.AugmentSettings(0, 0, 0, 0, 0, 0, 0, room=0)
    heard = degrade(clean, none, rng)
    assert all(np.corrcoef(a, b)[0, 1] > 0.9 for a, b in zip(clean, heard, strict=True))


def test_training_lowers_the_loss_on_lines_it_was_not_at(
    run: Path, shard: Path, tiny_config: config.TrainingConfig
) -> None:
    opened = prepare.open_shard(shard)
    batch = Batches(opened, tiny_config).batch(10_000)
    criterion = Criterion(tiny_config.loss, torch.from_numpy(opened.targets.astype(np.float32)))
    network = FaceNetwork(tiny_config.network)
    before = criterion(network(batch.waveform), batch)
    network.load_state_dict(train.load_checkpoint(run / train.CHECKPOINT)[1]["average"])
    after = criterion(network(batch.waveform), batch)
    assert after["total"] < 0.9 * before["total"]


def test_a_run_leaves_a_full_record(run: Path, shard: Path, tiny_config: config.TrainingConfig) -> None:
    table = [row.split("\t") for row in (run / train.LOSSES).read_text(encoding="utf-8").splitlines()]
    assert table[0] == ["step", "channels", "signals", "velocity", "seal", "phones", "total"]
    assert [int(row[0]) for row in table[1:]] == [10, 20, 30, 40, 50, 60]
    weights = [*(getattr(tiny_config.loss, name) for name in table[0][1:-1]), -1]
    assert all(abs(np.dot(weights, [float(cell) for cell in row[1:]])) < 1e-4 for row in table[1:])  # the total is true
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    told = config.from_table(record["config"])
    assert told.train.batches_per_step == 1
    one_each = dataclasses.replace(told, train=dataclasses.replace(told.train, batches_per_step=0))
    assert one_each == tiny_config
    (part,) = record["parts"]
    assert (part["from_step"], part["to_step"], part["processes"]) == (0, 60, 1)
    assert torch.__version__.startswith(part["versions"]["torch"])
    known = (CONFIGS.parents[1] / ".git").exists()
    assert re.fullmatch("[0-9a-f]{40}(-dirty)?" if known else "unknown", part["revision"])
    assert part["shard"]["lines"] == len(prepare.read_lines(shard))
    assert 0 <= part["waiting_s"] <= part["seconds"]


def test_a_seed_on_the_command_line_is_the_runs_and_changes_its_weights(
    shard: Path, tiny_config: config.TrainingConfig, tmp_path: Path
) -> None:
    written = write_config(tiny_config, tmp_path, steps=1)
    for seed in ("3", "4"):
        told = ["--config", written, "--shard", shard, "--out", tmp_path / seed, "--seed", seed]
        assert train.main([str(one) for one in told]) == 0
    three, four = (train.load_checkpoint(tmp_path / seed / train.CHECKPOINT) for seed in ("3", "4"))
    assert (three[0].train.seed, four[0].train.seed) == (3, 4)
    assert not torch.equal(three[1]["network"]["mouth.seal.weight"], four[1]["network"]["mouth.seal.weight"])


def test_a_run_that_goes_on_still_says_what_it_began_from(
    run: Path, shard: Path, tiny_config: config.TrainingConfig, tmp_path: Path
) -> None:
    for steps, start in ((2, [run / train.CHECKPOINT]), (4, [])):
        longer = dataclasses.replace(tiny_config, train=dataclasses.replace(tiny_config.train, steps=steps))
        train.train(longer, shard, tmp_path, start)
    parts = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["parts"]
    assert [(one["from_step"], one["to_step"]) for one in parts] == [(0, 2), (2, 4)]
    assert parts[0]["start"] == str(run / train.CHECKPOINT)


def test_bf16_trains_and_leaves_weights_in_float32(
    shard: Path, tiny_config: config.TrainingConfig, tmp_path: Path
) -> None:
    half = dataclasses.replace(tiny_config.train, precision="bf16", steps=40)
    settings = dataclasses.replace(tiny_config, train=half)
    opened = prepare.open_shard(shard)
    batch = Batches(opened, settings).batch(10_000)
    criterion = Criterion(settings.loss, torch.from_numpy(opened.targets.astype(np.float32)))
    before = criterion(FaceNetwork(settings.network)(batch.waveform), batch)["total"]
    _, state = train.load_checkpoint(train.train(settings, shard, tmp_path))
    assert all(value.dtype == torch.float32 and value.isfinite().all() for value in state["average"].values())
    network = FaceNetwork(settings.network)
    network.load_state_dict(state["average"])
    exact = network(batch.waveform)
    assert criterion(exact, batch)["total"] < 0.9 * before
    train.compute_in_bf16(network, torch.device("cpu"))
    rough = network(batch.waveform)
    apart = (rough.channels - exact.channels).abs().max()
    assert rough.channels.dtype == torch.float32
    assert 0 < apart < 0.02


def test_a_loss_that_is_no_number_stops_and_keeps_the_checkpoint(
    run: Path, shard: Path, tiny_config: config.TrainingConfig, tmp_path: Path
) -> None:
    wild = dataclasses.replace(tiny_config.train, learning_rate=1e30, warmup_steps=0, save_every_steps=1)
    with pytest.raises(TrainingError, match="the loss of batch [0-9]+ is not a number") as stopped:
        train.train(dataclasses.replace(tiny_config, train=wild), shard, tmp_path)
    _, state = train.load_checkpoint(tmp_path / train.CHECKPOINT)
    assert state["step"] >= 1
    batches = Batches(prepare.open_shard(shard), tiny_config)
    assert str(stopped.value).endswith(f"({', '.join(sorted(set(batches.lines(state['step']))))})")


@pytest.mark.filterwarnings("ignore:for .*copying from a non-meta parameter")
def test_a_run_goes_on_with_its_counts_of_steps_on_the_cpu(run: Path, tiny_config: config.TrainingConfig) -> None:
    device = torch.device("meta")  # which is not the CPU and is on every machine
    student = train._start(tiny_config, device)
    resume(student, tiny_config, run / train.CHECKPOINT, device)
    states = student.optimiser.state.values()
    assert {float(one["step"]) for one in states} == {60.0}
    assert {one["exp_avg"].device.type for one in states} == {"meta"}
    assert {value.device.type for value in student.average.values()} == {"meta"}


def test_a_checkpoint_of_another_size_is_refused(run: Path, shard: Path, tiny_config: config.TrainingConfig) -> None:
    wider = dataclasses.replace(tiny_config, network=dataclasses.replace(tiny_config.network, width=96))
    with pytest.raises(TrainingError, match=r"another size: set width = 64 under \[network\], or"):
        train.train(wider, shard, run)


def test_a_run_does_not_go_on_with_another_config(
    run: Path, shard: Path, tiny_config: config.TrainingConfig, tmp_path: Path
) -> None:
    copy = shutil.copytree(run, tmp_path / "run")
    before = {name: (copy / name).read_bytes() for name in ("run.json", train.LOSSES, train.CHECKPOINT)}
    schedule = dataclasses.replace(tiny_config.train, learning_rate=1e-4, steps=70, workers=1, threads=2)
    other = dataclasses.replace(tiny_config, corpus=config.CorpusSettings(weights={"en-us": 2.0}), train=schedule)
    with pytest.raises(TrainingError, match="another corpus.development, train.learning_rate, corpus.weights.en-us:"):
        train.train(other, shard, copy)
    assert before == {name: (copy / name).read_bytes() for name in before}


def test_a_later_part_may_have_another_dropout(
    run: Path, shard: Path, tiny_config: config.TrainingConfig, tmp_path: Path
) -> None:
    network = dataclasses.replace(tiny_config.network, dropout=0.3)
    short = dataclasses.replace(tiny_config, network=network, train=dataclasses.replace(tiny_config.train, steps=1))
    made_by, state = train.load_checkpoint(train.train(short, shard, tmp_path, start=[run / train.CHECKPOINT]))
    assert made_by.network.dropout == 0.3
    assert state["step"] == 1


def test_fine_tuning_begins_from_what_another_run_has_learnt(
    run: Path, shard: Path, tiny_config: config.TrainingConfig, tmp_path: Path
) -> None:
    short = dataclasses.replace(tiny_config, train=dataclasses.replace(tiny_config.train, steps=10, learning_rate=1e-6))
    train.train(short, shard, tmp_path, start=[run / train.CHECKPOINT])
    _, learnt = train.load_checkpoint(run / train.CHECKPOINT)
    _, tuned = train.load_checkpoint(tmp_path / train.CHECKPOINT)
    assert tuned["step"] == 10
    assert all(torch.allclose(learnt["average"][name], value, atol=1e-4) for name, value in tuned["average"].items())


def test_a_later_part_may_begin_at_the_mean_of_others(
    run: Path, shard: Path, tiny_config: config.TrainingConfig, tmp_path: Path
) -> None:
    _, state = train.load_checkpoint(run / train.CHECKPOINT)
    changed = {**state, "average": {name: value + 0.5 for name, value in state["average"].items()}}
    torch.save(changed, tmp_path / "other.pt")
    short = dataclasses.replace(tiny_config, train=dataclasses.replace(tiny_config.train, steps=1, learning_rate=1e-9))
    both = [run / train.CHECKPOINT, tmp_path / "other.pt"]
    _, begun = train.load_checkpoint(train.train(short, shard, tmp_path / "run", start=both))
    assert all(
        torch.allclose(state["average"][name] + 0.25, value, atol=1e-4) for name, value in begun["average"].items()
    )


@pytest.mark.parametrize("published", ["moonshine", "encoder_model.ort"])
def test_a_published_encoder_and_a_checkpoint_are_not_begun_at_together(
    run: Path, shard: Path, tiny_config: config.TrainingConfig, tmp_path: Path, published: str
) -> None:
    both = [run / train.CHECKPOINT, Path(published)]
    for starts in (both, both[::-1]):
        with pytest.raises(TrainingError, match="name it alone"):
            train.train(tiny_config, shard, tmp_path / "run", start=starts)


@pytest.mark.parametrize("going_on", [True, False])
def test_weights_of_another_version_of_the_network_are_refused(
    run: Path, shard: Path, tiny_config: config.TrainingConfig, tmp_path: Path, going_on: bool
) -> None:
    _, state = train.load_checkpoint(run / train.CHECKPOINT)
    for weights in (state["network"], state["average"]):
        weights["encoder.old"] = weights.pop("encoder.norm.weight")
    torch.save(state, tmp_path / train.CHECKPOINT)
    start = () if going_on else [tmp_path / train.CHECKPOINT]
    with pytest.raises(TrainingError, match="another version of the network"):
        train.train(tiny_config, shard, tmp_path if going_on else tmp_path / "run", start=start)


def test_the_command_says_what_is_wrong_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--config", str(CONFIGS / "tiny.toml"), "--shard", str(tmp_path), "--out", str(tmp_path / "run")]
    assert train.main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
