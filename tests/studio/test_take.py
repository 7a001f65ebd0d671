from __future__ import annotations

import errno
import io
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import pytest

from addon.core import settings
from addon.core.errors import FacewrightError
from addon.core.model import FaceModel
from addon.studio.take import Job, Worker, take

from .conftest import Studio


def test_a_worker_that_crashes_costs_one_sound_and_is_replaced(studio: Studio) -> None:
    worker = Worker(Job(str(studio.lines), str(studio.takes), ".csv", 60.0, f'[model]\npath = "{studio.model}"', ""))
    try:
        assert worker.ask("a.wav", None).status == "done"
        os.kill(worker._process.pid, signal.SIGKILL)
        row = worker.ask("a.wav", None)
        assert (row.status, row.reason) == ("failed", "the process that worked on it crashed (status -9)")
        assert worker.ask("act 1/b.flac", None).status == "done"
    finally:
        worker.close()


@pytest.mark.skipif(not hasattr(select, "epoll"), reason="needs a pipe whose writes are invalid, as Windows says")
def test_a_worker_that_is_gone_costs_one_sound_on_windows_too(studio: Studio) -> None:
    worker = Worker(Job(str(studio.lines), str(studio.takes), ".csv", 60.0, f'[model]\npath = "{studio.model}"', ""))
    try:
        assert worker.ask("a.wav", None).status == "done"
        os.kill(worker._process.pid, signal.SIGKILL)
        worker._process.stdin.close()
        with select.epoll() as invalid:
            worker._process.stdin = io.TextIOWrapper(io.FileIO(os.dup(invalid.fileno()), "w"))
        assert "crashed (status -9)" in worker.ask("a.wav", None).reason
    finally:
        worker.close()


def test_a_worker_that_ends_by_itself_tells_its_own_status(studio: Studio) -> None:
    worker = Worker(Job(str(studio.lines), str(studio.takes), ".csv", 60.0, '[model]\npath = "none.onnx"', ""))
    assert worker.ask("a.wav", None).reason == "the process that worked on it crashed (status 1)"


def test_the_python_of_windows_blender_is_told_where_the_c_runtime_lies(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started: list = []

    def popen(command: list[str], env: dict[str, str] | None, **_options: object) -> None:
        started.append((command, env))
        raise OSError(errno.ENOENT, "not found")

    job = Job(str(studio.lines), str(studio.takes), ".csv", 60.0, f'[model]\npath = "{studio.model}"', "")
    monkeypatch.setattr(subprocess, "Popen", popen)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "Blender 5.0" / "5.0" / "python" / "bin" / "python.exe"))
    runtime = tmp_path / "Blender 5.0" / "blender.crt"
    for _ in range(2):
        with pytest.raises(FacewrightError, match="cannot be started: not found"):
            Worker(job).ask("a.wav", None)
        runtime.mkdir(parents=True, exist_ok=True)
    (plain, usual), (told, environment) = started
    assert usual is None
    assert "add_dll_directory" not in plain[-1]
    assert environment["PATH"].split(os.pathsep) == [str(runtime), *os.environ["PATH"].split(os.pathsep)]
    assert f"os.add_dll_directory({str(runtime)!r}); sys.path" in told[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a program without a word")
def test_a_worker_that_is_ended_while_it_loads_says_nothing(studio: Studio) -> None:
    job = Job(str(studio.lines), str(studio.takes), ".csv", 60.0, f'[model]\npath = "{studio.model}"', "")
    command = [sys.executable, "-X", "importtime", "-c", "from addon.studio.take import serve; serve()"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        print(json.dumps(asdict(job)), file=process.stdin, flush=True)
        next(line for line in process.stderr if line.rpartition("| ")[2].strip() == "onnxruntime.capi")
        process.terminate()
        said = [line for line in process.stderr if not line.startswith("import time:")]
    assert (process.returncode, said) == (-signal.SIGTERM, [])


def test_a_take_is_compared_where_it_lies_without_a_temporary_folder(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(studio.takes / "gone"))  # as on a farm's node that may not write
    job, model = Job(str(studio.lines), str(studio.takes), ".csv", 60.0, "", ""), FaceModel.load(studio.model)
    for _ in range(2):  # the second finds the first's, whose row is lost
        row = take(job, "a.wav", None, settings.DEFAULTS, model, None)
        assert (row.status, row.reason) == ("done", "")
    assert studio.files() == ["a.csv"]
