"""A training is a TOML file, from corpus to schedule; a checkpoint carries the one that made it."""

from __future__ import annotations

import dataclasses
import math
import sys
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from addon.core.errors import quoted, reason

from .corpora import CorpusError

SEEDS = 2**63  # as many as PyTorch takes and TOML can name
CRITIC_ROWS = 25  # that a critic's verdict is on, half a second
CRITIC_CROP_S = -(-CRITIC_ROWS // 6) * 6 / 50  # crops are whole steps of six rows (network.STEP_ROWS), 50 a second


def _need(right: bool, name: str, told: str, value: object) -> None:
    if not right:
        raise CorpusError(f"{name} of the training config must be {told}, not {value!r}")


def _need_share(value: float, name: str) -> None:
    _need(0 <= value <= 1, name, "a share, 0 to 1", value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


@dataclass(frozen=True)
class NetworkSettings:
    """What listens and how large it is; the defaults are those of a network that starts from nothing."""

    front: str = "mel"  # mel: log-mel frames; waveform: the encoder that a published one can be the beginning of
    layers: int = 6
    width: int = 256
    heads: int = 4
    attention_tokens: int = 12  # each way; 480 ms of mel's tokens
    dropout: float = 0.05
    front_rank: int = 0  # of the bottleneck in a waveform front's largest product; 0: none

    def __post_init__(self) -> None:
        """Refuses an ear that there is none of."""
        _need(self.front in ("mel", "waveform"), "network.front", "mel or waveform", self.front)
        for name in ("layers", "width", "heads", "attention_tokens"):
            _need(getattr(self, name) >= 1, f"network.{name}", "1 or more", getattr(self, name))
        _need(self.width % self.heads == 0, "network.heads", f"a part of network.width ({self.width})", self.heads)
        _need(0 <= self.dropout < 1, "network.dropout", "0 or more and below 1", self.dropout)
        if self.front_rank < 0 or (self.front_rank and self.front == "mel"):
            raise CorpusError(
                "network.front_rank of the training config must be 0, or above it with network.front = 'waveform'"
            )

    def fits(self, other: NetworkSettings) -> bool:
        """Whether weights of one are weights of the other: dropout has none."""
        return dataclasses.replace(self, dropout=other.dropout) == other


@dataclass(frozen=True)
class CorpusSettings:
    """Which lines are learnt from: development folders are kept out, with their speakers and their texts.

    For an actor's own model `speakers_apart = false` keeps his other lines in: it is for him, not for strangers.
    """

    languages: tuple[str, ...] = ("en",)
    development: tuple[str, ...] = ()
    speakers_apart: bool = True  # who speaks in a development folder is heard nowhere else
    untranscribed: bool = False  # lines without a text too, where a recogniser wrote down their words
    weights: dict[str, float] = field(default_factory=dict)  # by folder; 1 where none is given

    def __post_init__(self) -> None:
        """Refuses names that are none, and a weight that no chance can be made of."""
        for key in ("languages", "development"):
            names = getattr(self, key)
            _need(all(isinstance(name, str) for name in names), f"corpus.{key}", "a list of names", names)
        for folder, weight in self.weights.items():
            _need(_is_number(weight) and weight >= 0, f"corpus.weights.{folder}", "0 or more", weight)


@dataclass(frozen=True)
class AugmentSettings:
    """How often a crop meets what recordings meet; shares of crops, 0..1."""

    speed: float = 0.15  # faster or slower by up to this share; pitch and formants go along
    gain_db: float = 12.0  # standard deviation of the level
    noise: float = 0.4
    voices: float = 0.3  # other people talking
    music: float = 0.2
    clip: float = 0.1  # recorded too loud
    band: float = 0.25  # telephones and cheap microphones
    room: float = 0.35  # reverberation
    mute: float = 0.15  # for a stretch or all of the crop: half nobody speaks, half nothing is recorded
    snr_db: tuple[float, float] = (0.0, 30.0)
    formants: float = 0.0  # a larger or a smaller head (formants.py)
    whisper: float = 0.0  # breath instead of a voice (formants.py)

    def __post_init__(self) -> None:
        """Refuses shares that are none, and a range of noise without two ends."""
        for name in ("speed", "noise", "voices", "music", "clip", "band", "room", "mute", "formants", "whisper"):
            _need_share(getattr(self, name), f"augment.{name}")
        _need(self.speed < 1, "augment.speed", "below 1", self.speed)
        _need(0 <= self.gain_db < math.inf, "augment.gain_db", "0 or more", self.gain_db)
        ends: tuple[float, ...] = self.snr_db
        two = len(ends) == 2 and all(map(_is_number, ends)) and ends[0] <= ends[1]
        _need(two, "augment.snr_db", "two numbers, the lower first", ends)


@dataclass(frozen=True)
class LossSettings:
    """Weights of the losses; closures and lip-to-teeth rows count more because they are short and decide everything."""

    channels: float = 1.0
    signals: float = 1.0
    velocity: float = 0.5
    seal: float = 0.5
    phones: float = 0.5
    closure_rows: float = 4.0
    contrast: float = 0.0  # of classes of phones that stand out from the others (contrast.py)
    critic: float = 0.0  # of passing for the teacher's motion before a critic that learns beside (critic.py)
    heard: float = 0.0  # share of the curves to learn that a finished student heard (distil.py), the rest the teacher's

    def __post_init__(self) -> None:
        """Refuses a share that is none, and a weight by which the student would learn to be wrong, or nothing."""
        for name in ("channels", "signals", "velocity", "seal", "phones", "contrast", "critic"):
            _need(0 <= getattr(self, name) < math.inf, f"loss.{name}", "0 or more", getattr(self, name))
        _need(0 < self.closure_rows < math.inf, "loss.closure_rows", "above 0", self.closure_rows)
        _need_share(self.heard, "loss.heard")


@dataclass(frozen=True)
class TrainSettings:
    """The schedule."""

    steps: int = 4000
    batch: int = 12
    crop_s: float = 3.6
    learning_rate: float = 1e-3
    warmup_steps: int = 200
    encoder_rate: float = 1.0  # of the learning rate, for an encoder that begins as a published one
    weight_decay: float = 0.02
    average: float = 0.998  # share of the old in the moving average of the weights, a step
    live: float = 0.0  # share of the batches that are heard as a live stream, with little of what comes next
    seed: int = 0
    save_every_steps: int = 250
    threads: int = 2
    workers: int = 0  # processes that make batches ahead; 0: a thread, which feeds a CPU but no fast GPU
    precision: str = "float32"  # or bf16: the transformer's layers compute in it; weights and losses stay float32
    batches_per_step: int = 0  # shared by all processes of torchrun; 0: one each, and the run records how many

    def __post_init__(self) -> None:
        """Refuses a count that would train nothing."""
        least = {"steps": 1, "batch": 1, "save_every_steps": 1, "threads": 1, "warmup_steps": 0, "learning_rate": 0}
        least |= {"seed": 0, "workers": 0, "batches_per_step": 0, "encoder_rate": 0, "weight_decay": 0}
        for name, low in least.items():
            _need(low <= getattr(self, name) < math.inf, f"train.{name}", f"{low} or more", getattr(self, name))
        _need(self.seed < SEEDS, "train.seed", f"below {SEEDS}", self.seed)
        _need(0 < self.crop_s < math.inf, "train.crop_s", "above 0", self.crop_s)
        _need_share(self.average, "train.average")
        _need_share(self.live, "train.live")
        _need(self.precision in ("float32", "bf16"), "train.precision", "float32 or bf16", self.precision)


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides what a training gives, apart from the speech itself."""

    name: str = "base"
    corpus: CorpusSettings = CorpusSettings()
    network: NetworkSettings = NetworkSettings()
    augment: AugmentSettings = AugmentSettings()
    loss: LossSettings = LossSettings()
    train: TrainSettings = TrainSettings()

    def __post_init__(self) -> None:
        """Refuses a live stream that nobody can hear, and crops too short for a critic."""
        if self.loss.critic and self.train.crop_s < CRITIC_CROP_S:
            raise CorpusError(f"loss.critic of the training config needs train.crop_s of {CRITIC_CROP_S} or more")
        if self.train.live and self.network.front == "mel":
            raise CorpusError("train.live of the training config needs network.front = 'waveform': mel hears files")


def load(path: Path) -> TrainingConfig:
    """The config in a TOML file; an unknown or mistyped key is an error that names it."""
    try:
        return from_table(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except (OSError, ValueError, RecursionError) as error:  # also numbers of thousands of digits, and deep nesting
        raise CorpusError(f"cannot read the training config {quoted(path)}: {reason(error)}") from error


def from_table(table: dict[str, Any]) -> TrainingConfig:
    """The config that nested tables describe; what they leave out keeps its default."""
    return _build(TrainingConfig, table, "")


def to_table(config: TrainingConfig) -> dict[str, Any]:
    """The config as nested tables, which from_table reads back."""
    return dataclasses.asdict(config)


def differing(one: Mapping[str, Any], other: Mapping[str, Any], aside: Collection[str] = ()) -> list[str]:
    """The settings in which two nested tables differ, by their dotted names; those aside are not looked at."""
    first, second = _flat(one), _flat(other)
    return [name for name in {**first, **second} if first.get(name) != second.get(name) and name not in aside]


def _flat(table: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat |= _flat(value, f"{where}{key}.") if isinstance(value, dict) else {where + key: value}
    return flat


T = TypeVar("T")


def _build(kind: type[T], table: dict[str, Any], where: str) -> T:
    known = {item.name: item for item in dataclasses.fields(kind)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise CorpusError(f"the training config has no setting {where + key!r}: known are {', '.join(known)}")
        item = known[key]
        default = item.default if item.default is not dataclasses.MISSING else {}
        if dataclasses.is_dataclass(default) and not isinstance(default, type):
            if not isinstance(value, dict):
                raise CorpusError(f"{where + key} of the training config must be a table")
            values[key] = _build(type(default), value, f"{where}{key}.")
            continue
        value = tuple(value) if isinstance(value, list) else value
        value = float(value) if isinstance(default, float) and type(value) is int and _is_number(value) else value
        if type(value) is not type(default):
            raise CorpusError(f"{where + key} of the training config must be {type(default).__name__}, not {value!r}")
        values[key] = value
    return kind(**values)
