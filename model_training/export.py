"""From a checkpoint to the one file that the add-on runs: waveform in, channels out, checked against PyTorch.

    python -m model_training.export --checkpoint runs/base/checkpoint.pt --out addon/models/base.onnx \
        --licence GPL-3.0-or-later --training-data "what it was trained on, in one line"
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import Tensor, nn
from torch.onnx import ONNXProgram

from addon.core.audio import RATE as SAMPLE_RATE
from addon.core.errors import FacewrightError, quoted, reason
from addon.core.model import FaceModel

from .articulation import CHANNELS, ROW_SAMPLES, SIDED, SOLO
from .checkpoint import mean_network
from .command import finish, one_line
from .config import TrainingConfig
from .fast import fast
from .network import CLOSE, JAW, STEP_SAMPLES, FaceNetwork, context_s
from .whole import make_room

SCHEMA = "1"
AGREEMENT = 1e-4  # how far onnxruntime may be from PyTorch


class ExportError(FacewrightError):
    """A model that must not be shipped: onnxruntime and PyTorch disagree on it."""


class Exported(nn.Module):
    """The student as the add-on sees it: sides apart, channels within 0..1, mouthClose at most jawOpen."""

    sides: Tensor

    def __init__(self, network: FaceNetwork) -> None:
        super().__init__()
        self.network = network
        solo = [
            SOLO.index(name.removesuffix("Left").removesuffix("Right") if _is_sided(name) else name)
            for name in CHANNELS
        ]
        self.register_buffer("sides", torch.tensor(solo), persistent=False)

    def forward(self, waveform: Tensor, live: bool = False) -> Tensor:
        """(B, N) to (B, N / 320, C) over CHANNELS."""
        channels = self.network(waveform, live).channels.clamp(0, 1)
        closed = torch.minimum(channels[..., CLOSE], channels[..., JAW])
        channels = torch.cat([channels[..., :CLOSE], closed[..., None], channels[..., CLOSE + 1 :]], dim=2)
        return channels[..., self.sides]


def _is_sided(name: str) -> bool:
    return name.removesuffix("Left").removesuffix("Right") in SIDED


def export(checkpoints: Sequence[Path], out: Path, metadata: Mapping[str, str]) -> Path:
    """Write the averaged weights of a checkpoint as ONNX with its metadata; refuses a file that runs differently.

    Of several checkpoints, later parts of one training, it writes the mean.
    """
    settings, network, steps = mean_network(checkpoints)
    make_room(out)
    module = Exported(network).eval()
    told = facts(settings, steps) | dict(metadata)
    return write(_program(fast(module)), out, told, lambda file: disagreement(module, file))


def write(program: ONNXProgram, out: Path, metadata: Mapping[str, str], differs: Callable[[Path], float]) -> Path:
    """Write what torch exported, with its metadata; a file that differs by more than AGREEMENT is refused."""
    partial = out.with_suffix(".partial.onnx")
    try:
        program.save(str(partial))
        model = onnx.load(partial)
        onnx.helper.set_model_props(model, dict(metadata))
        model.producer_name = "facewright"
        onnx.save(model, partial)
        difference = differs(partial)
        if not difference <= AGREEMENT:
            raise ExportError(
                f"onnxruntime differs from PyTorch by {difference:.2g}, more than {AGREEMENT:g}: not exported"
            )
        partial.replace(out)
    except OSError as error:  # torch's names no file
        told = f"cannot write {quoted(out)} ({reason(error)}): make room, or choose another place"
        raise ExportError(told) from error
    finally:
        partial.unlink(missing_ok=True)
    return out


def facts(settings: TrainingConfig, steps: int) -> dict[str, str]:
    """What a model file says of itself, by what its training knows."""
    return {
        "schema": SCHEMA,
        "name": settings.name,
        "channels": json.dumps(CHANNELS),
        "sample_rate": str(SAMPLE_RATE),
        "rate": str(SAMPLE_RATE // ROW_SAMPLES),
        "context_s": f"{context_s(settings.network):.3f}",
        "look_ahead_s": f"{context_s(settings.network):.3f}",
        "emotions": "[]",
        "styles": "[]",
        "steps": str(steps),
    }


def _program(module: nn.Module) -> ONNXProgram:
    batch, steps = torch.export.Dim("batch", min=1, max=64), torch.export.Dim("steps", min=2, max=7_000)
    example = 0.1 * torch.randn(2, 25 * STEP_SAMPLES)
    shapes = {"waveform": {0: batch, 1: STEP_SAMPLES * steps}}
    return traced(module, (example,), shapes, ["channels"])


def traced(
    module: nn.Module, example: tuple[Tensor, ...], shapes: dict[str, dict[int, Any]], outputs: Sequence[str]
) -> ONNXProgram:
    """The module as torch exports it from an example of its inputs; `shapes` names them and says what may vary."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it tells that torchvision is not there
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's exporter warns of torch's own old calls
        program = torch.onnx.export(
            module,
            example,
            input_names=list(shapes),
            output_names=outputs,
            dynamic_shapes=shapes,
            dynamo=True,
            optimize=True,
            verbose=False,
        )
    if program is None:
        raise ExportError("torch.onnx gave no program: this version of torch cannot export the network")
    return program


def disagreement(module: Exported, file: Path) -> float:
    """The largest difference between PyTorch and the core's own FaceModel on noise, tones and silence."""
    model = FaceModel.load(file)
    worst = 0.0
    for samples in trials():
        with torch.no_grad():
            expected = module(torch.from_numpy(samples[np.newaxis])).numpy()
        worst = max(worst, float(np.abs(expected - model.run(samples[np.newaxis])).max()))
    return worst


def trials() -> tuple[npt.NDArray[np.float32], ...]:
    """Tones, noise and silence, 7.2 s of each, on which onnxruntime and PyTorch are compared."""
    seconds = np.arange(60 * STEP_SAMPLES) / SAMPLE_RATE
    tone = (0.2 * np.sin(2 * np.pi * 180 * seconds) * (np.sin(9 * seconds) > 0)).astype(np.float32)
    noise = (0.1 * np.random.default_rng(0).standard_normal(len(seconds))).astype(np.float32)
    return tone, noise, np.zeros_like(noise)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    return command("model_training.export", "Write the ONNX model.", export, argv)


def command(
    name: str,
    does: str,
    work: Callable[[Sequence[Path], Path, Mapping[str, str]], Path],
    argv: Sequence[str] | None,
) -> int:
    """A command that makes a model file of checkpoints; returns the exit status."""
    parser = argparse.ArgumentParser(prog=name, description=does)
    parser.add_argument("--checkpoint", type=Path, required=True, nargs="+", help="several give their mean")
    parser.add_argument("--out", type=Path, required=True, help="the ONNX file to write")
    parser.add_argument("--version", type=one_line, default="1", help="of the model, as its card tells")
    parser.add_argument("--licence", type=one_line, default="GPL-3.0-or-later")
    parser.add_argument("--training-data", type=one_line, required=True, help="what it was trained on, in one line")
    args = parser.parse_args(argv)

    def said() -> str:
        metadata = {"version": args.version, "licence": args.licence, "training_data": args.training_data}
        out = work(args.checkpoint, args.out, metadata)
        return f"exported: {out} ({out.stat().st_size / 1e6:.1f} MB)"

    return finish(said)


if __name__ == "__main__":
    sys.exit(main())
