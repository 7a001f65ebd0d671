"""What a model file says of itself, read from its ONNX metadata and graph and checked field by field."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import channels
from .errors import ModelError, on_one_line, quoted

if TYPE_CHECKING:
    import onnxruntime

SCHEMA = "1"
MAX_CONTEXT_S = 30.0


@dataclass(frozen=True)
class ModelCard:
    """A model's metadata, schema 1: names, what it predicts, how far it hears, where it comes from."""

    name: str
    version: str
    channels: tuple[str, ...]
    context_s: float  # how much sound either side can influence a row
    look_ahead_s: float  # how much of it lies ahead, so the delay of live use
    emotions: tuple[str, ...]
    styles: tuple[str, ...]
    licence: str
    training_data: str
    consent: str  # empty for models of no one in particular
    inputs: tuple[str, ...]

    @classmethod
    def of_session(cls, session: onnxruntime.InferenceSession, file: str) -> ModelCard:
        """The card of an open session that hears files; `file` is its quoted name, for messages."""
        card = cls.of_metadata(session, file)
        _check_graph(session, card, file)
        return card

    @classmethod
    def of_metadata(cls, session: onnxruntime.InferenceSession, file: str) -> ModelCard:
        """The card of any session, its graph unchecked."""
        fields = _Fields(dict(session.get_modelmeta().custom_metadata_map), file)
        fields.expect("schema", SCHEMA, "this Facewright reads schema 1: update one of the two")
        fields.expect("sample_rate", "16000", "only 16 kHz models can be run")
        fields.expect("rate", "50", "only models of 50 rows a second can be run")
        context_s = fields.seconds("context_s")
        return cls(
            name=fields.text("name"),
            version=fields.text("version"),
            channels=fields.channels(),
            context_s=context_s,
            look_ahead_s=fields.seconds("look_ahead_s", context_s),
            emotions=fields.names("emotions"),
            styles=fields.names("styles"),
            licence=fields.text("licence"),
            training_data=fields.text("training_data"),
            consent=fields.metadata.get("consent", ""),
            inputs=tuple(item.name for item in session.get_inputs()),
        )


@dataclass(frozen=True)
class _Fields:
    metadata: dict[str, str]
    file: str

    def refuse(self, name: str, why: str) -> ModelError:
        return ModelError(f"model {self.file}: metadata field '{name}' {why}")

    def text(self, name: str) -> str:
        value = on_one_line(self.metadata.get(name, ""))
        if not value:
            raise self.refuse(name, "is missing; export the model with Facewright's trainer")
        return value

    def expect(self, name: str, value: str, otherwise: str) -> None:
        if self.text(name) != value:
            raise self.refuse(name, f"is {quoted(self.text(name))}, not '{value}'; {otherwise}")

    def seconds(self, name: str, high: float = MAX_CONTEXT_S) -> float:
        try:
            value = float(self.text(name))
        except ValueError:
            value = math.nan
        if not 0 <= value <= high:
            raise self.refuse(name, f"is {quoted(self.text(name))}; it must be seconds, 0 to {high:g}")
        return value

    def names(self, name: str) -> tuple[str, ...]:
        try:
            value = json.loads(self.text(name))
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.refuse(name, "is not a JSON list of names")
        if len(set(value)) != len(value):
            raise self.refuse(name, "names one thing twice")
        return tuple(value)

    def channels(self) -> tuple[str, ...]:
        names = self.names("channels")
        unknown = [name for name in names if name not in channels.ALL]
        if unknown:
            raise self.refuse("channels", f"names {quoted(unknown[0])}, which is no ARKit channel")
        if not names:
            raise self.refuse("channels", "is empty; a model must predict something")
        return names


def kinds(session: onnxruntime.InferenceSession) -> dict[str, tuple[str, int]]:
    """The type and the number of axes of every input of the graph."""
    return {item.name: (item.type, len(item.shape)) for item in session.get_inputs()}


def _check_graph(session: onnxruntime.InferenceSession, card: ModelCard, file: str) -> None:
    inputs = kinds(session)
    allowed = {"waveform": ("tensor(float)", 2), "emotion": ("tensor(float)", 2), "style": ("tensor(int64)", 1)}
    if "memory" in inputs:
        raise ModelError(f"model {file} hears a stream, not files: it is for `facewright live`; choose another")
    if "waveform" not in inputs:
        raise ModelError(f"model {file}: the graph has no input 'waveform'; export it with Facewright's trainer")
    for name, kind in inputs.items():
        if allowed.get(name) != kind:
            raise ModelError(f"model {file}: graph input {quoted(name)} is {kind[0]} with {kind[1]} axes, unknown here")
    output = next((item for item in session.get_outputs() if item.name == "channels"), None)
    if output is None or output.type != "tensor(float)" or len(output.shape) != 3:
        raise ModelError(f"model {file}: the graph has no float output 'channels' of shape (B, T, C)")
    width = output.shape[2]
    if isinstance(width, int) and width != len(card.channels):
        raise ModelError(f"model {file}: output 'channels' is {width} wide, metadata names {len(card.channels)}")
