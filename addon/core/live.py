"""LiveFace: a model that hears a stream. Sound goes in as it comes, rows come out when they are certain.

A row is certain `look_ahead_ms` of sound after its moment, 80 for the models that Facewright's trainer writes. However
the sound is cut, the rows are the same but for rounding: 1e-5 of a channel, with eight-bit matrices up to a hundredth.
What is held between two calls never grows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .audio import MAX_LEVEL
from .audio import RATE as SAMPLE_RATE
from .backend import Backend, open_session
from .curves import Array, Curves, are_sane
from .errors import AudioError, ModelError, quoted
from .model import HOP_SAMPLES, RATE, check_is_there
from .model_card import ModelCard, kinds

if TYPE_CHECKING:
    import onnxruntime

LISTENS = "live"  # the metadata field `listens` of a file that hears a stream
ANSWERS = {"views": "tensor(float)", "remembered": "tensor(float)"}
GRAPH = {"sound": ("tensor(float)", 1), "place": ("tensor(int64)", 0), "memory": ("tensor(float)", 1)}
MAX_TOKENS = 1000  # a call; more is no file of ours
MAX_MEMORY = 10**7  # numbers that a model remembers from one call to the next; ours keep some thousands


@dataclass(frozen=True)
class Stream:
    """How a live model's file says that it is fed, and how rows come of what it answers.

    With every token of sound it answers a view: slots around that moment. A block's rows are each mixed from one view.
    """

    slots: tuple[str, ...]  # what a slot holds: channels without sides; mouthClose as the logit of the lips' seal
    token_samples: int
    most_tokens: int  # a call
    silent_samples: int  # zeros that are heard before the sound
    skipped_tokens: int  # that say nothing of the sound yet; then comes the first of the first block
    row_tokens: npt.NDArray[np.int64]  # (R,), rising: the token, counted from its block's first, whose view a row is of
    mixing: Array  # (R, S): how each of a block's rows is mixed from the slots of its view
    easing: Array  # (E,): shares of a row and of those before it, the newest first

    @property
    def block_tokens(self) -> int:
        """Tokens from one block of rows to the next."""
        return len(self.mixing) * HOP_SAMPLES // self.token_samples

    @property
    def look_ahead_ms(self) -> float:
        """The most sound after a row that must have come in before the row goes out."""
        heard = (self.row_tokens + 1 + self.skipped_tokens) * self.token_samples - self.silent_samples
        return float((heard - np.arange(len(heard)) * HOP_SAMPLES).max() * 1000 / SAMPLE_RATE)

    @classmethod
    def parse(cls, text: str, file: str) -> Stream:
        """The stream that a file's metadata describes; a ModelError where it makes no sense."""
        try:
            table = json.loads(text)
            stream = cls(
                tuple(map(str, table["slots"])),
                int(table["token_samples"]),
                int(table["most_tokens"]),
                int(table["silent_samples"]),
                int(table["skipped_tokens"]),
                np.array(table["row_tokens"], np.int64),
                np.array(table["mixing"], np.float32),
                np.array(table["easing"], np.float32),
            )
            fits = stream._makes_sense()
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            fits = False
        if not fits:
            raise ModelError(
                f"model {file}: metadata field 'stream' makes no sense; export it with Facewright's trainer"
            )
        return stream

    def _makes_sense(self) -> bool:
        rows, _ = self.mixing.shape
        if rows == 0 or self.token_samples <= 0 or self.row_tokens.shape != (rows,) or self.easing.ndim != 1:
            return False
        steps = np.diff(self.row_tokens, prepend=0, append=self.row_tokens[0] + self.block_tokens)
        return bool(
            0 < self.most_tokens <= MAX_TOKENS
            and 0 < len(self.easing) <= MAX_TOKENS
            and min(self.silent_samples, self.skipped_tokens, *steps) >= 0
            and max(self.silent_samples // self.token_samples, self.skipped_tokens) <= MAX_TOKENS
            and self.look_ahead_ms >= 0
            and np.isfinite(self.mixing).all()
            and np.isfinite(self.easing).all()
            and rows * HOP_SAMPLES % self.token_samples == 0
            and len({"jawOpen", "mouthClose"} & set(self.slots)) != 1
        )


class LiveFace:
    """A loaded live model and all that it remembers of the stream that it is hearing."""

    def __init__(self, card: ModelCard, stream: Stream, backend: Backend) -> None:
        self.card, self.stream, self.backend = card, stream, backend
        self._memory_size = next(item.shape[0] for item in backend.session.get_inputs() if item.name == "memory")
        self._columns = [_slot_of(name, stream.slots) for name in card.channels]
        self.reset()

    @classmethod
    def load(cls, path: Path, device: str = "auto", threads: int = 1) -> LiveFace:
        """Opens a live model's file and checks it; one that hears files, or that is no model, is refused."""
        check_is_there(path)
        backend = open_session(path, device, threads)
        file = quoted(path.name)
        metadata = dict(backend.session.get_modelmeta().custom_metadata_map)
        if metadata.get("listens") != LISTENS:
            raise ModelError(f"model {file} hears files, not a stream; choose one that model_training.live wrote")
        card = ModelCard.of_metadata(backend.session, file)
        stream = Stream.parse(metadata.get("stream", ""), file)
        missing = [name for name in card.channels if _slot_of(name, stream.slots) < 0]
        answers = {item.name: item.type for item in backend.session.get_outputs()}
        is_alive = kinds(backend.session) == GRAPH and ANSWERS.items() <= answers.items()
        if not is_alive or missing or not _remembers(backend.session):
            raise ModelError(
                f"model {file}: its graph is not that of a live model; export it with Facewright's trainer"
            )
        return cls(card, stream, backend)

    @property
    def look_ahead_ms(self) -> float:
        """How much sound after a row comes in before the row goes out, at most."""
        return self.stream.look_ahead_ms

    @property
    def next_s(self) -> float:
        """The moment of the next row, in seconds of the stream."""
        return self._rows / RATE

    def reset(self) -> None:
        """Forgets the stream; what comes next is the beginning of another."""
        self._memory = np.zeros(self._memory_size, np.float32)
        self._waiting = np.zeros(self.stream.silent_samples, np.float32)  # samples that make no whole token yet
        self._mixed = np.zeros((0, len(self.stream.slots)), np.float32)  # the last rows, as they were before easing
        self._heard = self._tokens = self._rows = 0  # samples, tokens, rows given

    def push(self, samples: Array) -> Curves:
        """The rows, perhaps none, that are certain after these samples, (N,) float32 at 16 kHz."""
        samples = np.asarray(samples)
        if samples.ndim != 1 or samples.dtype != np.float32:
            raise ValueError(f"samples are {samples.dtype} {samples.shape}: need float32 (N,) at 16 kHz")
        peak = float(np.abs(samples).max(initial=0.0))
        if not np.isfinite(peak):
            first_s = (self._heard + int(np.argmin(np.isfinite(samples)))) / SAMPLE_RATE
            raise AudioError(f"the stream holds a sample that is not a number at {first_s:.3f} s; look at its source")
        if peak > MAX_LEVEL:
            raise AudioError(f"the stream peaks at {peak:.3g} where full scale is 1; lower it at its source")
        self._heard += len(samples)
        return self._rows_of(samples)

    def finish(self) -> Curves:
        """The last rows, as if silence followed; then the stream is forgotten."""
        left = -(-self._heard // HOP_SAMPLES) - self._rows
        silence = np.zeros(int(self.look_ahead_ms * SAMPLE_RATE / 1000) + HOP_SAMPLES, np.float32)
        rows = self._rows_of(silence)
        self.reset()
        return Curves(rows.values[:left], rows.names, rows.rate)

    def _rows_of(self, samples: Array) -> Curves:
        self._waiting = np.concatenate([self._waiting, samples])
        size = self.stream.token_samples
        rows = [np.zeros((0, len(self.stream.slots)), np.float32)]
        while tokens := min(len(self._waiting) // size, self.stream.most_tokens):
            rows.append(self._hear(self._waiting[: tokens * size], tokens))
            self._waiting = self._waiting[tokens * size :]
        self._waiting = self._waiting.copy()  # not a view that keeps all that was pushed
        return Curves(self._channels(self._eased(np.concatenate(rows))), self.card.channels, RATE)

    def _hear(self, sound: Array, tokens: int) -> Array:
        """One call of the model: the slots, already mixed, of those rows whose views have come, (T, slots)."""
        feeds: dict[str, npt.NDArray[np.generic]] = {
            "sound": sound,
            "place": np.array(self._tokens, np.int64),
            "memory": self._memory,
        }
        views, memory = self.backend.run_all(("views", "remembered"), feeds)
        due = (tokens, self.stream.mixing.shape[1], len(self.stream.slots))
        if views.shape != due or memory.shape != self._memory.shape:
            raise ModelError(f"{self.card.name}: its views are {views.shape} where {due} are due; export it anew")
        if not are_sane(views) or not are_sane(memory):
            raise ModelError(f"{self.card.name}: its output holds values that are not numbers; train it again")
        first = self._tokens - self.stream.skipped_tokens
        self._memory, self._tokens = memory, self._tokens + tokens
        block = len(self.stream.mixing)
        rows = np.arange(self._rows, self._rows + (tokens // self.stream.block_tokens + 2) * block)
        of = rows // block * self.stream.block_tokens + self.stream.row_tokens[rows % block]
        rows, of = rows[of < first + tokens], of[of < first + tokens]
        self._rows += len(rows)
        mixed: Array = np.einsum("ts,tsc->tc", self.stream.mixing[rows % block], views[of - first])
        return mixed

    def _eased(self, rows: Array) -> Array:
        """Mixed rows (T, slots), each with some of those before it; before the first, the first is held."""
        if not len(rows):
            return rows
        before = len(self.stream.easing) - 1
        held = self._mixed if len(self._mixed) else np.repeat(rows[:1], before, axis=0)
        whole = np.concatenate([held, rows])
        self._mixed = whole[len(whole) - before :].copy()
        eased = np.zeros_like(rows)
        for back, share in enumerate(self.stream.easing):
            eased += share * whole[before - back : len(whole) - back]
        return eased

    def _channels(self, values: Array) -> Array:
        """Slots' values (T, S) as channels (T, C): within 0..1, both sides alike, mouthClose a share of jawOpen."""
        if "mouthClose" in self.stream.slots:
            jaw, close = self.stream.slots.index("jawOpen"), self.stream.slots.index("mouthClose")
            sealed = 1 / (1 + np.exp(-np.clip(values[:, close], -60, 60)))
            values[:, close] = np.minimum(sealed * np.maximum(values[:, jaw], 0), np.clip(values[:, jaw], 0, 1))
        shown: Array = np.clip(values, 0, 1)[:, self._columns].astype(np.float32)
        return shown


def _remembers(session: onnxruntime.InferenceSession) -> bool:
    """Whether the graph says how much a live model keeps in mind, and that is no slip."""
    size = next(item.shape[0] for item in session.get_inputs() if item.name == "memory")
    return isinstance(size, int) and size <= MAX_MEMORY


def bundled_live_path() -> Path:
    """Where the live model that comes with Facewright lies."""
    return Path(__file__).parent.parent / "models" / "live.onnx"


def _slot_of(channel: str, slots: tuple[str, ...]) -> int:
    """The place of a channel, or of its pair, in a slot; -1 where there is none."""
    both = channel.removesuffix("Left").removesuffix("Right")
    return next((slots.index(name) for name in (channel, both) if name in slots), -1)
