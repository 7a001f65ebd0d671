"""One tiny corpus, one training and one exported model for all tests of the training room."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from model_training import config, corpora, export, prepare, synthesis, train
from model_training.phones import read_phones

CONFIGS = Path(train.__file__).parent / "configs"


def write_config(settings: config.TrainingConfig, folder: Path, **train: Any) -> Path:
    """The config as a TOML file in a folder, some of its schedule changed."""
    changed = dataclasses.replace(settings, train=dataclasses.replace(settings.train, **train))
    name, *tables = config.to_table(changed).items()
    lines = [f"name = {json.dumps(name[1])}"]
    for title, table in tables:
        lines += [f"[{title}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items() if value != {})]
    file = folder / "config.toml"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def tiny_config() -> config.TrainingConfig:
    """configs/tiny.toml, with a schedule of seconds."""
    settings = config.load(CONFIGS / "tiny.toml")
    return dataclasses.replace(
        settings,
        train=dataclasses.replace(settings.train, steps=60, batch=2, crop_s=1.2, save_every_steps=20, threads=1),
    )


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with speech.tsv and exact phones.tsv, spoken by espeak-ng."""
    folder = tmp_path_factory.mktemp("corpus")
    synthesis.synthesise(folder, lines=12)
    return folder


@pytest.fixture(scope="session")
def shard(corpus: Path, tiny_config: config.TrainingConfig) -> Path:
    """The corpus, prepared."""
    chosen, _ = prepare.choose(corpora.read(corpus / "speech.tsv"), tiny_config.corpus)
    prepare.prepare(chosen, read_phones(corpus / "phones.tsv"), corpus / "shard")
    return corpus / "shard"


@pytest.fixture(scope="session")
def run(shard: Path, tiny_config: config.TrainingConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished training."""
    out = tmp_path_factory.mktemp("run")
    train.train(tiny_config, shard, out)
    return out


@pytest.fixture(scope="session")
def onnx_file(run: Path) -> Path:
    """The trained model, exported."""
    metadata = {"version": "0", "licence": "CC0-1.0", "training_data": "twelve synthetic lines"}
    return export.export([run / train.CHECKPOINT], run / "tiny.onnx", metadata)
