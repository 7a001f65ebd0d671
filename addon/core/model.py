"""FaceModel: one ONNX file that turns 16 kHz sound into raw channels, in overlapping windows of flat memory."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from . import audio
from .backend import Backend, open_session
from .curves import Array, are_sane
from .errors import ModelError, quoted, reason
from .model_card import ModelCard

RATE = 50.0  # rows a second
HOP_SAMPLES = 320  # 20 ms at 16 kHz, so 50 rows a second
ALIGN_SAMPLES = 1920  # 120 ms: networks work on several rows at once; windows must start on such a step
BASE, FAST = BUNDLED = ("base", "fast")  # the models that come with Facewright; fast does half the work
SILENCE_SAMPLES = 5 * ALIGN_SAMPLES  # 0.6 s, heard before a file and after it


@dataclass(frozen=True)
class Window:
    """A stretch of sound with what surrounds it, zeros outside the file; `rows` are the rows that it is to give."""

    samples: Array  # (N,), N a multiple of ALIGN_SAMPLES, `context` samples of surroundings on both sides
    context: int
    rows: int
    end_s: float
    before: int = 0  # samples at either end that need not be heard: silence round the file, but for SILENCE_SAMPLES
    after: int = 0

    @property
    def heard(self) -> Array:
        """What a model is run on, (N,): a short line would cost it twice the time with all the silence round it."""
        return self.samples[self.before : len(self.samples) - self.after]


def windows(blocks: Iterable[Array], body: int, context: int) -> Iterator[Window]:
    """Cuts 16 kHz blocks into windows of `body` samples with `context` samples of real sound on either side."""
    held = np.zeros(context, np.float32)  # zeros before the file
    seen = done = 0  # samples read, samples whose rows have been given out
    for block in blocks:
        held = np.concatenate([held, block])
        seen += len(block)
        while len(held) >= context + body + context and seen > done + body:
            before = max(0, context - done - SILENCE_SAMPLES)
            done += body
            stretch = held[: context + body + context]
            yield Window(stretch, context, body // HOP_SAMPLES, done / audio.RATE, before)
            held = held[body:]
    end = math.ceil(seen / ALIGN_SAMPLES) * ALIGN_SAMPLES + SILENCE_SAMPLES
    while seen > done:
        left = min(body, seen - done)
        size = context + math.ceil(left / ALIGN_SAMPLES) * ALIGN_SAMPLES + context
        padded = np.zeros(size, np.float32)
        padded[: min(size, len(held))] = held[:size]
        before, after = max(0, context - done - SILENCE_SAMPLES), max(0, done - context + size - end)
        done += left
        yield Window(padded, context, math.ceil(left / HOP_SAMPLES), done / audio.RATE, before, after)
        held = held[body:]


@dataclass(frozen=True)
class FaceModel:
    """A loaded model: what its file says of itself, and the session that runs it."""

    card: ModelCard
    backend: Backend

    @classmethod
    def load(cls, path: Path, device: str = "auto", threads: int = 1) -> FaceModel:
        """Opens a model file and checks it field by field; what cannot be run is refused, naming the field."""
        check_is_there(path)
        backend = open_session(path, device, threads)
        return cls(ModelCard.of_session(backend.session, quoted(path.name)), backend)

    @property
    def note(self) -> str | None:
        """What the user should know about where it runs, if it is not as asked."""
        return self.backend.note

    def windows(self, blocks: Iterable[Array], window_s: float) -> Iterator[Window]:
        """The sound in windows of about `window_s` with all that this model can hear around them, at least a step."""
        return windows(blocks, _aligned(window_s), max(_aligned(self.card.context_s), ALIGN_SAMPLES))

    def predict(self, window: Window, style: int = 0) -> Array:
        """Raw channels of a window without its surroundings, (T, C); but for rounding the same in one of any length."""
        rows = self.run(window.heard[np.newaxis], style)[0]
        first = (window.context - window.before) // HOP_SAMPLES
        inner: Array = rows[first : first + window.rows]
        return inner

    def run(self, waveform: Array, style: int = 0) -> Array:
        """The network itself: (B, N) sound to (B, T, C) channels, nothing padded or cropped."""
        feeds: dict[str, npt.NDArray[np.generic]] = {"waveform": np.ascontiguousarray(waveform, np.float32)}
        if "emotion" in self.card.inputs:
            feeds["emotion"] = np.zeros((len(waveform), len(self.card.emotions)), np.float32)
        if "style" in self.card.inputs:
            if not 0 <= style < max(len(self.card.styles), 1):
                raise ModelError(f"{self.card.name} knows {len(self.card.styles)} styles; there is no number {style}")
            feeds["style"] = np.full(len(waveform), style, np.int64)
        values = self.backend.run("channels", feeds)
        expected = (len(waveform), waveform.shape[1] // HOP_SAMPLES, len(self.card.channels))
        if values.shape != expected:
            raise ModelError(f"{self.card.name}: output channels has shape {values.shape} where {expected} is due")
        if not are_sane(values):
            raise ModelError(f"{self.card.name}: output channels holds values that are not numbers; train it again")
        return values


def check_is_there(path: Path) -> None:
    """Raises a ModelError unless there is a file."""
    try:
        is_there = path.is_file()
    except OSError as error:
        raise ModelError(f"model file {quoted(path)} cannot be read: {reason(error)}") from error
    if not is_there:
        raise ModelError(f"model file {quoted(path)} does not exist; choose one, or install Facewright again")


def bundled_model_path(name: str = BASE) -> Path:
    """Where one of the models that come with Facewright lies, by its name in BUNDLED."""
    return Path(__file__).parent.parent / "models" / f"{name}.onnx"


def model_path(setting: str) -> Path:
    """The model file that a setting names, by its path or as one of BUNDLED; base's if it names none."""
    if not setting or setting in BUNDLED:
        return bundled_model_path(setting or BASE)
    try:
        return Path(setting).expanduser()
    except RuntimeError as error:
        raise ModelError(f"model file {quoted(setting)}: nobody here has that home; write the whole path") from error


def _aligned(seconds: float) -> int:
    return math.ceil(seconds * audio.RATE / ALIGN_SAMPLES) * ALIGN_SAMPLES
