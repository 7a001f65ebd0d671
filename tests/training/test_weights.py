"""What a finished model is begun from again: its parts' mean in half the digits, and the shipped model's own."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from addon.core.model import BASE, BUNDLED, bundled_model_path
from model_training import config, encoder, moonshine, train, weights
from model_training.checkpoint import SHIPPED, mean_network

from .conftest import CONFIGS

BASE_WEIGHTS = SHIPPED[Path(BASE)]


def test_weights_are_kept_in_half_the_digits_and_a_training_begins_with_them(
    run: Path, shard: Path, tiny_config: config.TrainingConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, kept = run / train.CHECKPOINT, tmp_path / "kept.pt"
    assert weights.main(["--checkpoint", str(whole), str(whole), "--out", str(kept)]) == 0
    assert f"written: {kept}" in capsys.readouterr().out
    assert kept.stat().st_size < whole.stat().st_size / 4
    (_, before, steps), (_, after, again) = mean_network([whole]), mean_network([kept])
    assert again == 2 * steps
    for name, value in after.state_dict().items():
        torch.testing.assert_close(value, before.state_dict()[name], rtol=1e-3, atol=1e-6)
    few = dataclasses.replace(tiny_config, train=dataclasses.replace(tiny_config.train, steps=1, learning_rate=1e-9))
    _, begun, _ = mean_network([train.train(few, shard, tmp_path / "run", [kept])])
    for name, value in begun.state_dict().items():
        torch.testing.assert_close(value, after.state_dict()[name], rtol=1e-3, atol=1e-4)


def test_weights_that_half_the_digits_cannot_hold_are_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = torch.load(run / train.CHECKPOINT, weights_only=True)
    name = next(iter(state["average"]))
    state["average"][name] = state["average"][name] + 1e6
    torch.save(state, tmp_path / "large.pt")
    assert weights.main(["--checkpoint", str(tmp_path / "large.pt"), "--out", str(tmp_path / "kept.pt")]) == 2
    assert f"{name} has weights that float16 cannot hold" in capsys.readouterr().err
    assert not (tmp_path / "kept.pt").exists()


def test_the_ears_lower_half_goes_a_share_of_the_way_back_to_moonshines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _, base, _ = mean_network([BASE_WEIGHTS])
    before, kept = base.state_dict(), tmp_path / "back.pt"
    narrow = ("encoder.front.second", "encoder.front.spread")  # the bottleneck, which Moonshine's front has not
    theirs = {name.removeprefix("encoder."): 1.4 * one for name, one in before.items() if not name.startswith(narrow)}
    theirs["front.second.0.weight"] = torch.ones(576, 864)
    monkeypatch.setattr(moonshine, "needed", lambda: tmp_path / "encoder_model.ort")
    monkeypatch.setattr(moonshine, "encoder_weights", lambda file, settings: theirs)
    front = ("front.first", "front.gain", "front.shift", "front.third")
    for options, layers in (([], 4), (["--back-layers", "1"], 1)):
        command = ["--checkpoint", str(BASE_WEIGHTS), "--back", "0.25", *options, "--out", str(kept)]
        assert weights.main(command) == 0
        lower = (*front, *(f"layers.{number}." for number in range(layers)))
        _, network, _ = mean_network([kept])
        for name, value in network.state_dict().items():
            share = 0.25 if name.removeprefix("encoder.").startswith(lower) else 0.0
            torch.testing.assert_close(value, (1 + 0.4 * share) * before[name], rtol=1e-3, atol=1e-6, msg=name)


def test_what_has_no_way_back_to_moonshine_is_refused(
    run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "back.pt"
    monkeypatch.setattr(moonshine, "installed", lambda: None)
    for whose, told in (
        (BASE_WEIGHTS, "moonshine-voice is not installed"),
        (run / train.CHECKPOINT, "6 layers of width 288"),
    ):
        assert weights.main(["--checkpoint", str(whose), "--back", "0.25", "--out", str(kept)]) == 2
        assert told in capsys.readouterr().err
        monkeypatch.setattr(moonshine, "installed", lambda: tmp_path / "encoder_model.ort")
        monkeypatch.setattr(
            moonshine, "_arrays", lambda file: {"layer_norm.weight": np.ones(288), "conv1.weight": np.ones(1)}
        )
    other = encoder.SpeechEncoder(config.load(CONFIGS / "base.toml").network).state_dict()  # begun from nothing
    monkeypatch.setattr(moonshine, "encoder_weights", lambda file, settings: other)
    assert weights.main(["--checkpoint", str(BASE_WEIGHTS), "--back", "0.25", "--out", str(kept)]) == 2
    assert "did not begin as Moonshine's" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        weights.main(["--checkpoint", str(BASE_WEIGHTS), "--back", "1.5", "--out", str(kept)])
    assert not kept.exists()


@pytest.mark.parametrize("name", BUNDLED)
def test_the_shipped_weights_are_the_shipped_models(name: str) -> None:
    settings, network, _ = mean_network([SHIPPED[Path(name)]])
    assert settings.name == name
    here = {f"network.{each}": value.numpy() for each, value in network.state_dict().items()}
    file = onnx.load(bundled_model_path(name))
    shipped = {each.name: onnx.numpy_helper.to_array(each) for each in file.graph.initializer}
    as_they_were = [each for each in here if ".layers." in each and each in shipped]
    assert len(as_they_were) == 2 * settings.network.layers  # biases; the rest is in eight bits, or written otherwise
    for each in as_they_were:
        np.testing.assert_allclose(here[each], shipped[each], rtol=1e-3, atol=1e-4, err_msg=each)


def test_an_actors_own_model_begins_as_the_shipped_one(shard: Path, tmp_path: Path) -> None:
    actor = config.load(CONFIGS / "actor.toml")
    quick = dataclasses.replace(actor.train, steps=1, batch=1, crop_s=1.2, learning_rate=1e-9, threads=1)
    _, begun, _ = mean_network([train.train(dataclasses.replace(actor, train=quick), shard, tmp_path, [Path(BASE)])])
    _, base, _ = mean_network([BASE_WEIGHTS])
    for name, value in begun.state_dict().items():
        torch.testing.assert_close(value, base.state_dict()[name], rtol=1e-3, atol=1e-4)
