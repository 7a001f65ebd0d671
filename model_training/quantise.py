"""Eight-bit matrices for a model file: a third of the size, and more speed on processors without a GPU.

    python -m model_training.quantise --model runs/base/base.onnx --shard prepared/base --out addon/models/base.onnx

Scales are fixed beforehand from stretches of the training speech, so that a window of a long file gives what the whole
file would; onnxruntime's dynamic quantisation takes them from whatever it is fed. Only the transformer's matrices
become small. In the front, few large inputs leave no room for the rest: with its third product too, an early base model
fell from 81 to 76 points. Its matrices are stored as float16.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime import quantization

from addon.core.errors import quoted, reason

from . import live
from .command import finish
from .corpora import CorpusError
from .network import STEP_ROWS
from .prepare import Shard, open_shard, stretches
from .whole import make_room

STRETCHES = 24  # of speech, that the scales are taken from
STRETCH_ROWS = 40 * STEP_ROWS  # 4.8 s
CLIPPED_SHARE = 0.9999  # of all values that a scale has room for; the rest are outliers
EIGHT_BITS = ("encoder.layers.",)  # the part that loses next to nothing by it


class _Speech(quantization.CalibrationDataReader):  # type: ignore[misc]  # onnxruntime carries no types
    """Stretches of training speech, as onnxruntime asks for them; a live model hears each as a stream of its own."""

    def __init__(self, shard: Shard, model: Path, is_live: bool) -> None:
        sounds = self._sounds(shard)
        self._feeds = live.feeds(model, sounds) if is_live else ({"waveform": sound[np.newaxis]} for sound in sounds)

    @staticmethod
    def _sounds(shard: Shard) -> Iterator[npt.NDArray[np.float32]]:
        rng = np.random.default_rng(0)
        for samples in stretches(shard, STRETCHES, STRETCH_ROWS, rng):
            level = 10 ** (rng.uniform(-25, 5) / 20)
            hiss = 10 ** (rng.uniform(-80, -30) / 20) * rng.standard_normal(len(samples))
            yield (level * (samples + hiss)).astype(np.float32)

    def get_next(self) -> live.Feed | None:
        """The next stretch; None when all are through."""
        return next(self._feeds, None)


def quantise(model: Path, shard: Shard, out: Path) -> Path:
    """Write the model with eight-bit matrices, its metadata unchanged."""
    try:
        graph = onnx.load(model).graph
    except Exception as error:  # onnx raises what protobuf raises
        raise CorpusError(f"cannot read the model {quoted(model)}: {reason(error)}") from error
    matrices = {item.name for item in graph.initializer if len(item.dims) == 2}
    products = [node for node in graph.node if node.op_type in ("MatMul", "Gemm") and node.input[1] in matrices]
    chosen = [node.name for node in products if any(part in _scope(node) for part in EIGHT_BITS)]
    if not chosen:
        raise CorpusError(
            f"{quoted(model)} has no matrices to make smaller: give a file that model_training.export wrote"
        )
    make_room(out)
    partial = out.with_suffix(".partial.onnx")
    logging.getLogger().setLevel(logging.ERROR)  # onnxruntime advises a preparation that this graph has behind it
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # onnxruntime prints how it calibrates
            quantization.quantize_static(
                model,
                partial,
                _Speech(shard, model, "memory" in {item.name for item in graph.input}),
                quant_format=quantization.QuantFormat.QDQ,
                nodes_to_quantize=chosen,
                per_channel=True,
                reduce_range=True,  # seven bits: products of eight overflow on processors without VNNI
                calibrate_method=quantization.CalibrationMethod.Percentile,
                extra_options={
                    "CalibPercentile": 100 * CLIPPED_SHARE,
                    # What a product gives stays a float: onnxruntime then makes it one in the product itself.
                    "OpTypesToExcludeOutputQuantization": ["MatMul", "Gemm"],
                },
            )
        onnx.save(halved(onnx.load(partial)), partial)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return out


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with its float32 matrices stored as float16; onnxruntime makes them float32 again when it loads it."""
    for item in list(model.graph.initializer):
        if item.data_type == onnx.TensorProto.FLOAT and len(item.dims) == 2:
            half = onnx.numpy_helper.to_array(item).astype(np.float16)
            if np.isfinite(half).all():
                name = f"{item.name}_half"
                model.graph.node.insert(0, onnx.helper.make_node("Cast", [name], [item.name], to=item.data_type))
                item.CopyFrom(onnx.numpy_helper.from_array(half, name))
    return model


def _scope(node: onnx.NodeProto) -> str:
    """The module that a node was exported from, as torch.onnx notes it."""
    return next((item.value for item in node.metadata_props if item.key == "pkg.torch.onnx.name_scopes"), "")


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="model_training.quantise", description="Eight-bit matrices for a model.")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--shard", type=Path, required=True, help="folder that model_training.prepare wrote")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)

    def work() -> str:
        out = quantise(args.model, open_shard(args.shard), args.out)
        return f"written: {out} ({out.stat().st_size / 1e6:.1f} MB)"

    return finish(work)


if __name__ == "__main__":
    sys.exit(main())
