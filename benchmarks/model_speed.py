"""How near the model comes to what the processor can multiply, on one thread: onnxruntime, and PyTorch in the same run.

    python benchmarks/model_speed.py [--model FILE.onnx] [--checkpoint checkpoint.pt] [--seconds 10] [--repeat 5]

Counted are the multiplications of matrices and convolutions that the model file asks for in a window of sound, from the
shapes that they really have there. The processor's rate is that of numpy's product of two square float32 matrices.
PyTorch runs the network that a checkpoint holds, where one is given. Processor time is counted, so a busy machine gives
nearly the same numbers; the best of several runs stands. Needs the training packages.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy is imported
ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import onnx  # noqa: E402
import onnxruntime  # noqa: E402

from addon.core.errors import FacewrightError  # noqa: E402
from addon.core.model import ALIGN_SAMPLES, bundled_model_path  # noqa: E402

RATE = 16_000
SIDE = 1024  # of the square matrices
PRODUCTS = ("MatMul", "Gemm", "Conv", "FusedMatMul")


def best_s(work: Callable[[], object], repeat: int) -> float:
    """Processor seconds of the fastest of several runs, after one to warm up."""
    work()
    took = []
    for _ in range(repeat):
        before = time.process_time()
        work()
        took.append(time.process_time() - before)
    return min(took)


def session(model: bytes) -> onnxruntime.InferenceSession:
    """An onnxruntime session on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def feeds_for(run: onnxruntime.InferenceSession, samples: np.ndarray) -> dict[str, np.ndarray]:
    """What the model wants beside the waveform is fed as nothing."""
    feeds = {"waveform": samples}
    for one in run.get_inputs():
        if one.name != "waveform":
            shape = [1 if not isinstance(size, int) else size for size in one.shape]
            feeds[one.name] = np.zeros(shape, np.int64 if "int64" in one.type else np.float32)
    return feeds


def operations(file: Path, samples: np.ndarray) -> float:
    """Multiplications and additions in the matrix products of one run, from the shapes that really occur."""
    model = onnx.load(file)
    nodes = [node for node in model.graph.node if node.op_type in PRODUCTS]
    weights = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    kept = {one.name for one in model.graph.output}
    wanted = {name for node in nodes for name in (*node.input[:2], node.output[0])} - weights.keys() - kept
    inputs = {one.name for one in model.graph.input}
    for name in sorted(wanted - inputs):
        model.graph.output.append(onnx.ValueInfoProto(name=name))
    run = session(model.SerializeToString())
    feeds = feeds_for(run, samples)
    names = [one.name for one in run.get_outputs()]
    shapes = {name: list(value.shape) for name, value in zip(names, run.run(names, feeds), strict=True)}
    shapes |= weights | {name: list(value.shape) for name, value in feeds.items()}
    total = 0.0
    for node in nodes:
        first, second, out = (shapes[name] for name in (node.input[0], node.input[1], node.output[0]))
        turned = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
        depth = np.prod(second[1:]) if node.op_type == "Conv" else first[-2 if turned else -1]
        total += 2 * float(np.prod(out)) * float(depth)
    return total


def torch_s(checkpoint: Path, samples: np.ndarray, repeat: int) -> float:
    """Processor seconds of PyTorch for the same sound."""
    import torch

    from model_training.checkpoint import load_checkpoint
    from model_training.network import FaceNetwork

    torch.set_num_threads(1)
    settings, state = load_checkpoint(checkpoint)
    network = FaceNetwork(settings.network)
    try:
        network.load_state_dict(state["average"])
    except RuntimeError as error:
        raise FacewrightError(f"{checkpoint.name!r} holds another network than this code builds") from error
    network.eval()
    waveform = torch.from_numpy(samples)
    with torch.inference_mode():
        return best_s(lambda: network(waveform), repeat)


def main() -> int:
    """Prints the processor's rate, the model's, and PyTorch's."""
    parser = argparse.ArgumentParser(description="The model's share of the processor's matrix rate, on one thread.")
    parser.add_argument("--model", type=Path, default=bundled_model_path())
    parser.add_argument("--checkpoint", type=Path, help="the training's checkpoint of the same model, for PyTorch")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of the window")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    count = max(round(options.seconds * RATE / ALIGN_SAMPLES), 1) * ALIGN_SAMPLES
    samples = (0.05 * rng.standard_normal((1, count))).astype(np.float32)
    square = rng.standard_normal((SIDE, SIDE)).astype(np.float32)
    try:
        peak = 2 * SIDE**3 / best_s(lambda: square @ square, options.repeat)
        done = operations(options.model, samples)
        run = session(options.model.read_bytes())
        feeds = feeds_for(run, samples)
        took_s = best_s(lambda: run.run(["channels"], feeds), options.repeat)
        rival_s = torch_s(options.checkpoint, samples, options.repeat) if options.checkpoint else None
    except (FacewrightError, OSError) as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 2
    seconds = count / RATE
    asked = done / seconds / 1e9
    print(f"processor, float32 {SIDE} x {SIDE}: {peak / 1e9:.0f} GFLOP/s; the model asks {asked:.2f} a second of sound")
    print("\n| runtime | x real time | GFLOP/s | of the matrix rate |\n|---|---|---|---|")
    for name, spent_s in (("onnxruntime " + onnxruntime.__version__, took_s), ("PyTorch", rival_s)):
        if spent_s:
            rate = done / spent_s
            print(f"| {name}, 1 thread | {seconds / spent_s:.0f} | {rate / 1e9:.0f} | {rate / peak:.0%} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
