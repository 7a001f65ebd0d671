"""From a checkpoint to the file that hears a stream: the weights that hear a file, a few tokens of sound a call.

    python -m model_training.live --checkpoint runs/base/checkpoint.pt --out runs/base/live.onnx \
        --training-data "what it was trained on, in one line"
    python -m model_training.quantise --model runs/base/live.onnx --shard prepared/base --out runs/base/live_small.onnx

`addon.core.live` runs it. A call takes the sound of some tokens, the number of the first, and a memory: the last
samples, levels and frames, and each layer's keys and values as far back as it looks. Keys are remembered unturned and
turned by their place in the memory, so a stream of days stays as exact as its first second. What comes out is what
`FaceNetwork.forward(live=True)` makes of the whole sound, however the sound was cut.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, cat, nn
from torch.nn import functional
from torch.onnx import ONNXProgram

from addon.core.backend import open_session
from addon.core.live import LISTENS, LiveFace

from .articulation import SOLO
from .corpora import CorpusError
from .encoder import (
    BEFORE_SAMPLES,
    LEVEL_FRAMES,
    LIVE_AHEAD,
    LOOK_AHEAD_MS,
    READ_SAMPLES,
    TAP_SAMPLES,
    TOKEN_SAMPLES,
    TOKEN_TAPS,
    Layer,
    RotaryAttention,
    SpeechEncoder,
    attend,
    level,
    within,
)
from .export import Exported, command, facts, mean_network, traced, trials, write
from .network import CLOSE, STEP_SAMPLES, TOKEN_SLOTS, FaceNetwork, Mouth

Array = npt.NDArray[np.float32]
Feed = Mapping[str, npt.NDArray[np.generic]]
Memory = dict[str, Tensor]

FRAMES_BEFORE = 7  # of the thirteen frames that a token reads, six are new
SILENT_TOKENS = 2  # a stream begins with so many of silence, and with an empty memory
SILENT_SAMPLES = SILENT_TOKENS * TOKEN_SAMPLES - (READ_SAMPLES + 1 - BEFORE_SAMPLES - TOKEN_SAMPLES)  # 512
CALIBRATION_TOKENS = 5


class LiveStep(nn.Module):
    """One call of a stream: sound (384 T,), the number of its first token () and the memory (M,) to slots and memory.

    Slots (2 T, C) over SOLO are not yet mixed into rows; mouthClose holds the logit of the lips' seal. They are those
    of T tokens that begin LIVE_AHEAD earlier than the sound's.
    """

    def __init__(self, network: FaceNetwork) -> None:
        super().__init__()
        if not isinstance(network.encoder, SpeechEncoder):
            raise CorpusError("a log-mel encoder reads files, not live streams: train a config with front = 'waveform'")
        self.encoder, self.mouth = network.encoder, cast(Mouth, network.live_mouth)
        width = network.settings.width
        self.shapes: dict[str, tuple[int, int]] = {
            "sound": (1, TAP_SAMPLES),
            "moments": (2, LEVEL_FRAMES),
            "frames": (FRAMES_BEFORE, width),
        }
        for number in range(network.settings.layers):
            ahead, block = _ahead(number), network.settings.attention_tokens
            self.shapes |= {f"keys {number}": (block + ahead, width), f"values {number}": (block + ahead, width)}
            if ahead:
                self.shapes |= {f"waiting {number}": (ahead, width), f"queries {number}": (ahead, width)}
        self.sizes = [math.prod(shape) for shape in self.shapes.values()]

    def forward(self, sound: Tensor, place: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        pieces = zip(self.shapes.items(), memory.split(self.sizes), strict=True)
        old = {name: piece.reshape(shape) for (name, shape), piece in pieces}
        new: Memory = {}
        place = place - SILENT_TOKENS
        x = self._tokens(sound, place, old, new)
        for number, layer in enumerate(self.encoder.layers):
            x = _through(cast(Layer, layer), number, x, place, old, new)
            place = place - _ahead(number)
        hidden = self.encoder.norm(x)
        channels, seal = (slots[0] for slots in self.mouth(hidden[None]))
        slots = cat([channels[:, :CLOSE], seal, channels[:, CLOSE + 1 :]], dim=1)
        return slots, cat([new[name].flatten() for name in self.shapes])

    def _tokens(self, sound: Tensor, place: Tensor, old: Memory, new: Memory) -> Tensor:
        """The front's tokens (T, W), levelled by the frames of the last 2.4 s."""
        heard = cat([old["sound"], sound[None]], dim=1)
        x = self.encoder.front.frames(heard)[0]  # (6 T, W)
        moments = cat([old["moments"], torch.stack([x.mean(dim=1), (x * x).mean(dim=1)])], dim=1)
        sums = functional.pad(moments, (1, 0)).cumsum(dim=1)
        first = TOKEN_TAPS * place + FRAMES_BEFORE
        count = (first + torch.arange(x.shape[0]) + 1).clamp(1, LEVEL_FRAMES + 1)  # frames before the sound are none
        mean, square = (sums[:, LEVEL_FRAMES + 1 :] - sums[:, : -LEVEL_FRAMES - 1]) / count
        frames = cat([old["frames"], level(x, mean, square)])
        new |= {"sound": heard[:, -TAP_SAMPLES:], "moments": moments[:, -LEVEL_FRAMES:]}
        new["frames"] = frames[-FRAMES_BEFORE:]
        tokens: Tensor = self.encoder.front.tokens(functional.pad(frames, (0, 0, 0, 2))[None])[0]
        return tokens


def _ahead(number: int) -> int:
    """Tokens to come that a layer looks at."""
    return LIVE_AHEAD if number == 0 else 0


def _through(layer: Layer, number: int, x: Tensor, place: Tensor, old: Memory, new: Memory) -> Tensor:
    """Tokens (T, W) from `place` on through a layer that remembers; what comes out begins `ahead` earlier."""
    ahead, attention = _ahead(number), cast(RotaryAttention, layer.attention)
    queries, keys, values = attention.project(layer.before_attention(x)).chunk(3, dim=1)
    remembered = {f"keys {number}": keys, f"values {number}": values}
    if ahead:
        remembered |= {f"waiting {number}": x, f"queries {number}": queries}
    whole = {name: cat([old[name], late]) for name, late in remembered.items()}
    new |= {name: whole[name][-old[name].shape[0] :] for name in whole}
    if ahead:
        x, queries = whole[f"waiting {number}"][:-ahead], whole[f"queries {number}"][:-ahead]
    mixed = _attended(attention, queries, whole[f"keys {number}"], whole[f"values {number}"], place, ahead)
    return layer.after(x, attention.merge(mixed))


def _attended(
    attention: RotaryAttention, queries: Tensor, keys: Tensor, values: Tensor, place: Tensor, ahead: int
) -> Tensor:
    """What T queries find among keys and values that begin a block before the first of them: (T, W)."""
    block = attention.block
    there = torch.arange(keys.shape[0])
    here = there[block : keys.shape[0] - ahead]
    q, k, v = (x.unflatten(1, (attention.heads, -1)).transpose(0, 1) for x in (queries, keys, values))  # (H, T, D)
    q = attention.turn(q, attention.cosine[here], attention.sine[here]) * (q.shape[-1] ** -0.5)
    k = attention.turn(k, attention.cosine[there], attention.sine[there])
    real = there + place - block - ahead >= 0
    allowed = within(there[None, :] - here[:, None], block, ahead) & real
    return attend(q, k, v, allowed).transpose(0, 1).flatten(1)


def export_live(checkpoints: Sequence[Path], out: Path, metadata: Mapping[str, str]) -> Path:
    """Write the averaged weights of a checkpoint, or the mean of several, as a file that hears a stream.

    A file on which onnxruntime, fed in pieces, differs from PyTorch on the whole sound is refused.
    """
    settings, network, steps = mean_network(checkpoints)
    module = LiveStep(network).eval()
    told = facts(settings, steps) | _listening(module) | dict(metadata)
    return write(_program(module), out, told, lambda file: live_disagreement(network, file))


def _listening(module: LiveStep) -> dict[str, str]:
    """What `addon.core.live` must know of the stream."""
    stream = {
        "slots": SOLO,
        "token_slots": TOKEN_SLOTS,
        "token_samples": TOKEN_SAMPLES,
        "most_tokens": module.encoder.block,
        "silent_samples": SILENT_SAMPLES,
        "skipped_tokens": SILENT_TOKENS + LIVE_AHEAD,
        "mixing": module.encoder.mixing(live=True).tolist(),
    }
    look_ahead_s = f"{LOOK_AHEAD_MS / 1000:.3f}"
    return {"listens": LISTENS, "look_ahead_s": look_ahead_s, "stream": json.dumps(stream)}


def _program(module: LiveStep) -> ONNXProgram:
    tokens = torch.export.Dim("tokens", min=1, max=module.encoder.block)
    example = (0.1 * torch.randn(4 * TOKEN_SAMPLES), torch.tensor(7), torch.zeros(sum(module.sizes)))
    shapes = {"sound": {0: TOKEN_SAMPLES * tokens}, "place": {}, "memory": {}}
    return traced(module, example, shapes, ["slots", "remembered"])


def live_disagreement(network: FaceNetwork, file: Path) -> float:
    """The largest difference between PyTorch on whole sounds and the core's LiveFace on pieces of any length."""
    module, face = Exported(network).eval(), LiveFace.load(file, "cpu")
    rng = np.random.default_rng(0)
    worst = 0.0
    for samples in trials():
        with torch.no_grad():
            whole = np.concatenate([samples, np.zeros(STEP_SAMPLES, np.float32)])  # a stream ends in silence
            expected = module(torch.from_numpy(whole[np.newaxis]), live=True)[0].numpy()
        cuts = np.cumsum(rng.integers(0, 2_000, len(samples) // 1_000))
        rows = [face.push(piece).values for piece in np.split(samples, cuts[cuts < len(samples)])]
        heard = np.concatenate([*rows, face.finish().values])
        worst = max(worst, float(np.abs(expected[: len(heard)] - heard).max()))
    return worst


def feeds(model: Path, sounds: Iterable[Array]) -> Iterator[Feed]:
    """What a live model is fed while it hears these sounds, one after the other."""
    session = open_session(model, "cpu").session
    size = next(item.shape[0] for item in session.get_inputs() if item.name == "memory")
    call = CALIBRATION_TOKENS * TOKEN_SAMPLES
    for samples in sounds:
        memory = np.zeros(size, np.float32)
        for start in range(0, len(samples) - call + 1, call):
            place = np.array(start // TOKEN_SAMPLES, np.int64)
            fed: Feed = {"sound": samples[start : start + call], "place": place, "memory": memory}
            yield fed
            (memory,) = session.run(["remembered"], fed)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    return command("model_training.live", "Write the ONNX model of a live stream.", export_live, argv)


if __name__ == "__main__":
    sys.exit(main())
