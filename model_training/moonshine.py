"""A published beginning: the weights of Moonshine's English encoders, base and tiny, for `encoder.SpeechEncoder`.

Their makers publish both as ONNX files with eight-bit matrices (MIT, Moonshine AI), from which the matrices are read
and made floats again. Tiny's comes with the PyPI package moonshine-voice, as an onnxruntime file that is rewritten as
ONNX first; base's with the npm package @usefulsensors/moonshine-js. Nothing of the packages runs.
"""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from torch import Tensor

from addon.core.errors import quoted

from .attention import rotary_channels
from .config import NetworkSettings
from .corpora import CorpusError
from .encoder import live_bell
from .front import FILTER_SAMPLES, TAP_SAMPLES

Floats = npt.NDArray[np.float32]
HEADS = 8
LAYERS = {288: 6, 416: 8}  # of tiny and base, by their width
ENCODERS = (".ort", ".onnx")  # how the files' names end


def installed() -> Path | None:
    """Where tiny's encoder lies, if its package is installed."""
    package = importlib.util.find_spec("moonshine_voice")
    for folder in (package.submodule_search_locations or ()) if package else ():
        file = Path(folder) / "assets" / "tiny-en" / "encoder_model.ort"
        if file.exists():
            return file
    return None


def needed() -> Path:
    """As installed(); a CorpusError says how to install the package."""
    found = installed()
    if found is None:
        raise CorpusError("moonshine-voice is not installed: pip install '.[train,base]'")
    return found


def encoder_weights(file: Path, settings: NetworkSettings) -> dict[str, Tensor]:
    """The state of a SpeechEncoder of these settings, its layers the lowest of tiny's, or of base's, in the file."""
    if settings.front_rank:
        raise CorpusError(
            "Moonshine's front has no bottleneck: set network.front_rank to 0, or begin with what slim --encoder makes"
        )
    arrays = _arrays(file)
    width = len(arrays.get("layer_norm.weight", ()))
    layers = LAYERS.get(width)
    if layers is None or "conv1.weight" not in arrays:
        raise CorpusError(f"{quoted(file)} is not the encoder of Moonshine tiny or base: give its encoder_model")
    if (settings.width, settings.heads) != (width, HEADS) or settings.layers > layers:
        raise CorpusError(
            f"{quoted(file)} has {layers} layers of width {width} with {HEADS} heads, where {settings.layers} of width "
            f"{settings.width} with {settings.heads} are asked for: give the other encoder_model, or set [network] so"
        )
    spare = 2 * TAP_SAMPLES - FILTER_SAMPLES
    state = {
        "front.first.weight": np.pad(arrays["conv1.weight"][:, 0], ((0, 0), (0, spare))),
        "front.gain": arrays["groupnorm.weight"].ravel(),
        "front.shift": arrays["groupnorm.bias"].ravel(),
        **_frames(arrays["conv2.weight"], "front.second", (3, 3, 1)),
        "front.second.2.bias": arrays["conv2.bias"],
        **_frames(arrays["conv3.weight"], "front.third", (2, 1)),
        "front.third.1.bias": arrays["conv3.bias"],
        "norm.weight": arrays["layer_norm.weight"],
    }
    turned = rotary_channels(settings)
    each = np.concatenate([np.arange(0, turned, 2), np.arange(1, turned, 2), np.arange(turned, width // HEADS)])
    order = (np.arange(HEADS)[:, None] * (width // HEADS) + each).ravel()  # Moonshine turns neighbouring channels
    for number in range(settings.layers):
        theirs, ours = f"layers.{number}", f"layers.{number}"
        queries, keys, values = (arrays[f"{theirs}.self_attn.{name}_proj"].T for name in "qkv")
        state |= {
            f"{ours}.attention.project.weight": np.concatenate([queries[order], keys[order], values]),
            f"{ours}.attention.merge.weight": arrays[f"{theirs}.self_attn.o_proj"].T,
            f"{ours}.before_attention.weight": arrays[f"{theirs}.input_layernorm.weight"],
            f"{ours}.before_mlp.weight": arrays[f"{theirs}.post_attention_layernorm.weight"],
            f"{ours}.widen.weight": arrays[f"{theirs}.mlp.fc1"].T,
            f"{ours}.widen.bias": arrays[f"{theirs}.mlp.fc1.bias"],
            f"{ours}.narrow.weight": arrays[f"{theirs}.mlp.fc2"].T,
            f"{ours}.narrow.bias": arrays[f"{theirs}.mlp.fc2.bias"],
        }
    weights = {name: torch.tensor(np.ascontiguousarray(value, np.float32)) for name, value in state.items()}
    return {**weights, "live_mixing": live_bell()}  # Moonshine hears no streams


def _frames(kernel: Floats, name: str, counts: tuple[int, ...]) -> dict[str, Floats]:
    """A convolution's kernel (W, V, K) as matrices (W, count V) that act on frames laid end to end."""
    parts = np.split(kernel.transpose(0, 2, 1), np.cumsum(counts)[:-1], axis=1)
    return {f"{name}.{number}.weight": part.reshape(len(kernel), -1) for number, part in enumerate(parts)}


def _arrays(file: Path) -> dict[str, Floats]:
    """Every weight by a plain name, matrices as (in, out)."""
    graph = _graph(file)
    stored = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer}
    arrays = {name.removesuffix("_add_tensor"): value for name, value in stored.items()}
    for node in graph.node:
        place = node.name.strip("/").replace("/", ".").split(".MatMul")[0].replace("dense", "o_proj")  # base's name
        if node.op_type in ("DynamicQuantizeMatMul", "MatMulIntegerToFloat", "MatMulInteger"):
            matrix = next(name for name in node.input if name.endswith("_quantized") and name in stored)
            stem = matrix.removesuffix("_quantized")
            zero = stored[f"{stem}_zero_point"].astype(np.float32)
            arrays[place] = (stored[matrix].astype(np.float32) - zero) * stored[f"{stem}_scale"]
        elif place.startswith("groupnorm."):
            for name in node.input:
                if name in stored and stored[name].ndim == 2 and stored[name].shape[1] == 1:
                    arrays["groupnorm.weight" if node.op_type == "Mul" else "groupnorm.bias"] = stored[name]
    return arrays


def _graph(file: Path) -> onnx.GraphProto:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    options.add_session_config_entry("session.save_model_format", "ONNX")
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "encoder.onnx")
        try:
            onnxruntime.InferenceSession(str(file), options)
        except Exception as error:  # onnxruntime has no class of its own for a file it cannot read
            raise CorpusError(f"cannot read Moonshine's encoder from {quoted(file)}: {error}") from error
        return onnx.load(options.optimized_model_filepath).graph
