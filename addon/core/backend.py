"""Where inference runs: one place that turns a device's name into an onnxruntime session, or falls back and says so."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .curves import Array
from .errors import ModelError, SettingsError, quoted, reason

if TYPE_CHECKING:
    import onnxruntime

DEVICES = ("auto", "cpu", "cuda", "coreml", "dml")
PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "dml": "DmlExecutionProvider",
}
AUTO_ORDER = ("cuda", "cpu")  # coreml and dml round differently: they run only when asked for
REMEDY = "install Facewright again"
SILENT = 4  # onnxruntime's log level that prints only what kills it; what users need is raised or noted


@dataclass(frozen=True)
class Backend:
    """An open session, the device it really runs on, and a note if that is not the one asked for."""

    session: onnxruntime.InferenceSession
    device: str
    note: str | None = None

    def run(self, output: str, feeds: Mapping[str, npt.NDArray[np.generic]]) -> Array:
        """One output of the graph for these inputs."""
        return self.run_all([output], feeds)[0]

    def run_all(self, outputs: Sequence[str], feeds: Mapping[str, npt.NDArray[np.generic]]) -> list[Array]:
        """Several outputs of the graph, in the order of their names."""
        try:
            values: list[Array] = self.session.run(list(outputs), dict(feeds))
        except _refusals() as error:
            told = str(error).splitlines()[0]
            raise ModelError(f"the model stopped on {self.device}: {told}; try device cpu or another model") from error
        return values


def available() -> tuple[str, ...]:
    """The devices this onnxruntime was built for, best first, CPU last."""
    names = _onnxruntime().get_available_providers()
    return tuple(device for device in ("cuda", "coreml", "dml", "cpu") if PROVIDERS[device] in names)


def version() -> str:
    """onnxruntime's version."""
    return str(_onnxruntime().__version__)


def open_session(path: Path, device: str = "auto", threads: int = 1) -> Backend:
    """A session for an ONNX file on the device asked for, or on the CPU with a note that says why."""
    if device not in DEVICES:
        raise SettingsError(f"there is no device {quoted(device)}; choose {', '.join(DEVICES)}")
    there = available()
    wanted = next(d for d in AUTO_ORDER if d in there) if device == "auto" else device
    if wanted not in there:
        return Backend(_session(path, ("cpu",), threads), "cpu", f"{device} is not available here; running on the CPU")
    if wanted == "cpu":
        return Backend(_session(path, ("cpu",), threads), "cpu")
    session = _session(path, (wanted, "cpu"), threads)
    if PROVIDERS[wanted] not in session.get_providers():  # its libraries are missing; onnxruntime has dropped it
        return Backend(session, "cpu", f"{wanted} could not be started; running on the CPU")
    return Backend(session, wanted)


def _onnxruntime() -> ModuleType:
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        return importlib.import_module("onnxruntime")  # late: Blender's register() stays light
    except ImportError as error:
        remedy = "install Microsoft's latest Visual C++ Redistributable (x64)" if sys.platform == "win32" else REMEDY
        raise ModelError(f"onnxruntime cannot be loaded: {reason(error)}; {remedy}") from error


def _refusals() -> tuple[type[Exception], ...]:
    """What onnxruntime raises for a file that it cannot load or run; they have no common ancestor."""
    from onnxruntime.capi import onnxruntime_pybind11_state as states

    return (
        *(states.Fail, states.InvalidProtobuf, states.InvalidGraph, states.InvalidArgument, states.NotImplemented),
        *(states.RuntimeException, states.EPFail, UnicodeDecodeError),
    )


def _read_texts(session: onnxruntime.InferenceSession) -> None:
    """Raises a UnicodeDecodeError if what a file calls its parts, or says of itself, is no text."""
    for item in (*session.get_inputs(), *session.get_outputs()):
        str(item.name)
    dict(session.get_modelmeta().custom_metadata_map)


def _session(path: Path, devices: tuple[str, ...], threads: int) -> onnxruntime.InferenceSession:
    ort = _onnxruntime()
    options = ort.SessionOptions()
    options.log_severity_level = SILENT
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    providers = [PROVIDERS[name] for name in devices]
    try:
        content = path.read_bytes()  # onnxruntime itself cannot open every name that a file may have
        session: onnxruntime.InferenceSession = ort.InferenceSession(
            content,
            options,
            providers=providers,
            enable_fallback=len(devices) > 1,  # from the CPU to the CPU would only be a notice on stdout
        )
        _read_texts(session)
    except OSError as error:
        raise ModelError(f"model file {quoted(path)} cannot be read: {reason(error)}") from error
    except _refusals() as error:
        raise ModelError(
            f"{quoted(path.name)} is not a model that can be run; choose a Facewright .onnx file"
        ) from error
    return session
