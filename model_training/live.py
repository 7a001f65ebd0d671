"""From a checkpoint to the file that hears a stream: the weights that hear a file, a few tokens of sound a call.

    python -m model_training.live --checkpoint runs/base/checkpoint.pt --out runs/base/live.onnx \
        --training-data "what it was trained on, in one line"
    python -m model_training.quantise --model runs/base/live.onnx --shard prepared/base --out runs/base/live_small.onnx

`addon.core.live` runs it. A call takes the sound of some tokens, the number of the first, and a memory: the last
samples, levels, frames and tokens, each layer's keys and values as far back as it looks, and the last slots. Keys are
remembered unturned and turned by their place in the memory, so a stream of days stays as exact as its first second.
What comes out is what `FaceNetwork.forward(live=True)` makes of the whole sound, however the sound was cut.
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
from addon.core.errors import quoted
from addon.core.live import LISTENS, LiveFace

from .articulation import SOLO
from .attention import RIGHT_TOKENS, Layer, RotaryAttention, grouped
from .checkpoint import mean_network
from .corpora import CorpusError
from .encoder import BLOCK_TOKENS, EASING, LOOK_AHEAD_MS, ROW_TOKENS, VIEW_TOKENS, SpeechEncoder, live_bell, viewed
from .export import Exported, command, facts, traced, trials, write
from .front import BEFORE_SAMPLES, LEVEL_FRAMES, READ_SAMPLES, TAP_SAMPLES, TOKEN_SAMPLES, TOKEN_TAPS, level
from .network import CLOSE, STEP_SAMPLES, TOKEN_SLOTS, FaceNetwork, Mouth
from .whole import make_room

Array = npt.NDArray[np.float32]
Feed = Mapping[str, npt.NDArray[np.generic]]
Memory = dict[str, Tensor]

FRAMES_BEFORE = 7  # of the thirteen frames that a token reads, six are new
EMPTY_CALLS = 2  # tokens whose reading lies before the stream's first, a memory of nothing in
SILENT_SAMPLES = (EMPTY_CALLS + BLOCK_TOKENS) * TOKEN_SAMPLES - (READ_SAMPLES + 1 - BEFORE_SAMPLES - TOKEN_SAMPLES)
GROUP_SLOTS = TOKEN_SLOTS * (RIGHT_TOKENS + 1)  # of a token and the two to its right
CALIBRATION_TOKENS = 5


class LiveStep(nn.Module):
    """One call of a stream: sound (384 T,), the number of its first token () and the memory (M,) to views and memory.

    A view (10, C) over SOLO holds the slots of the five newest tokens, as they are heard when the last of them has
    come; mouthClose is the logit of the lips' seal. Slots are not yet mixed into rows.
    """

    def __init__(self, network: FaceNetwork) -> None:
        super().__init__()
        if not isinstance(network.encoder, SpeechEncoder):
            raise CorpusError("a log-mel encoder reads files, not live streams: train a config with front = 'waveform'")
        self.encoder, self.mouth = network.encoder, cast(Mouth, network.live_mouth)
        width, block = network.settings.width, network.settings.attention_tokens
        self.shapes: dict[str, tuple[int, int]] = {
            "sound": (1, TAP_SAMPLES),
            "moments": (2, LEVEL_FRAMES),
            "frames": (FRAMES_BEFORE, width),
            "tokens": (RIGHT_TOKENS, width),
        }
        for number in range(network.settings.layers):
            self.shapes |= {f"keys {number}": (block, width), f"values {number}": (block, width)}
        self.shapes["slots"] = (VIEW_TOKENS - RIGHT_TOKENS - 1, GROUP_SLOTS * len(SOLO))
        self.sizes = [math.prod(shape) for shape in self.shapes.values()]

    def forward(self, sound: Tensor, place: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        pieces = zip(self.shapes.items(), memory.split(self.sizes), strict=True)
        old = {name: piece.reshape(shape) for (name, shape), piece in pieces}
        new: Memory = {}
        place = place - EMPTY_CALLS
        x = grouped(_with_old("tokens", self._tokens(sound, place, old, new), old, new))
        x = x.flatten(0, 1)  # (T, 3, W) -> (3 T, W): eight-bit products of three axes are slow in onnxruntime
        for number, layer in enumerate(self.encoder.layers):
            x = _through(cast(Layer, layer), number, x, place - RIGHT_TOKENS, old, new)
        channels, seal = self.mouth(self.encoder.norm(x))
        slots = cat([channels[:, :CLOSE], seal, channels[:, CLOSE + 1 :]], dim=1).unflatten(0, (-1, GROUP_SLOTS))
        views = viewed(_with_old("slots", slots.flatten(1), old, new).unflatten(1, slots.shape[1:]))
        return views, cat([new[name].flatten() for name in self.shapes])

    def _tokens(self, sound: Tensor, place: Tensor, old: Memory, new: Memory) -> Tensor:
        """The front's tokens (T, W), levelled by the frames of the last 2.4 s."""
        heard = cat([old["sound"], sound[None]], dim=1)
        x = self.encoder.front.frames(heard)[0]  # (6 T, W)
        moments = cat([old["moments"], torch.stack([x.mean(dim=1), (x * x).mean(dim=1)])], dim=1)
        sums = functional.pad(moments, (1, 0)).cumsum(dim=1)
        first = TOKEN_TAPS * place + FRAMES_BEFORE
        count = (first + torch.arange(x.shape[0]) + 1).clamp(1, LEVEL_FRAMES + 1)  # frames before the sound are none
        mean, square = (sums[:, LEVEL_FRAMES + 1 :] - sums[:, : -LEVEL_FRAMES - 1]) / count
        frames = _with_old("frames", level(x, mean, square), old, new)
        new |= {"sound": heard[:, -TAP_SAMPLES:], "moments": moments[:, -LEVEL_FRAMES:]}
        tokens: Tensor = self.encoder.front.tokens(functional.pad(frames, (0, 0, 0, 2))[None])[0]
        return tokens


def _with_old(name: str, late: Tensor, old: Memory, new: Memory) -> Tensor:
    """What is remembered (S, W) and what came (T, W), end to end; the last S of it are remembered from now on."""
    whole = cat([old[name], late])
    new[name] = whole[-old[name].shape[0] :]
    return whole


def _through(layer: Layer, number: int, x: Tensor, place: Tensor, old: Memory, new: Memory) -> Tensor:
    """Groups (3 T, W), the first token's number `place`, through a layer that remembers what first tokens were."""
    attention = cast(RotaryAttention, layer.attention)
    projected = attention.project(layer.before_attention(x)).unflatten(0, (-1, RIGHT_TOKENS + 1))
    _, *settled = projected[:, 0].chunk(3, dim=-1)
    keys, values = (
        _with_old(f"{name} {number}", late, old, new).unflatten(1, (attention.heads, -1)).transpose(0, 1)
        for name, late in zip(("keys", "values"), settled, strict=True)
    )
    there = torch.arange(keys.shape[1]) + place - attention.block
    return layer.after(x, attention.merge(attention.among(projected, keys, values, there >= 0).flatten(0, 1)))


def export_live(checkpoints: Sequence[Path], out: Path, metadata: Mapping[str, str]) -> Path:
    """Write the averaged weights of a checkpoint, or the mean of several, as a file that hears a stream.

    A file on which onnxruntime, fed in pieces, differs from PyTorch on the whole sound is refused, and a training
    without a live batch: its live mouth is as chance made it.
    """
    settings, network, steps = mean_network(checkpoints)
    module = LiveStep(network).eval()
    if torch.equal(module.encoder.live_mixing.half(), live_bell().half()):  # as weights.py keeps it
        raise CorpusError(
            f"{quoted(checkpoints[-1])} never heard a stream: set train.live of its config above 0, such as 0.3, and "
            "train on from it with --start"
        )
    make_room(out)
    told = facts(settings, steps) | _listening(module) | dict(metadata)
    return write(_program(module), out, told, lambda file: live_disagreement(network, file))


def _listening(module: LiveStep) -> dict[str, str]:
    """What `addon.core.live` must know of the stream."""
    stream = {
        "slots": SOLO,
        "token_samples": TOKEN_SAMPLES,
        "most_tokens": module.encoder.block,
        "silent_samples": SILENT_SAMPLES,
        "skipped_tokens": EMPTY_CALLS + BLOCK_TOKENS,
        "row_tokens": ROW_TOKENS,
        "mixing": module.encoder.live_mixing.tolist(),
        "easing": EASING,
    }
    look_ahead_s = f"{LOOK_AHEAD_MS / 1000:.3f}"
    return {"listens": LISTENS, "look_ahead_s": look_ahead_s, "stream": json.dumps(stream)}


def _program(module: LiveStep) -> ONNXProgram:
    tokens = torch.export.Dim("tokens", min=1, max=module.encoder.block)
    example = (0.1 * torch.randn(4 * TOKEN_SAMPLES), torch.tensor(7), torch.zeros(sum(module.sizes)))
    shapes = {"sound": {0: TOKEN_SAMPLES * tokens}, "place": {}, "memory": {}}
    return traced(module, example, shapes, ["views", "remembered"])


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
