"""A thread's work: its progress, its end, and what stopped it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from addon.blender.base.jobs import Job
from addon.core.errors import AudioError


def wait(job: Job[object]) -> None:
    for _ in range(500):
        if job.is_done:
            return
        time.sleep(0.01)
    raise TimeoutError


def test_a_job_gives_its_result_and_its_progress():
    def work(progress: Callable[[float], None]) -> str:
        progress(0.5)
        return threading.current_thread().name

    job = Job(work)
    wait(job)
    assert (job.result, job.progress, job.failure, job.was_cancelled) == ("Facewright", 0.5, None, False)


def test_a_job_stops_at_the_first_sign_of_progress_after_it_was_cancelled():
    started = threading.Event()

    def work(progress: Callable[[float], None]) -> None:
        while True:
            progress(0.1)
            started.set()
            time.sleep(0.001)

    job = Job(work)
    started.wait(5)
    job.cancel()
    wait(job)
    assert job.was_cancelled
    assert job.result is None


def test_what_the_user_can_mend_is_told_as_it_is():
    def work(progress: Callable[[float], None]) -> None:
        raise AudioError("line.wav is empty")

    job = Job(work)
    wait(job)
    assert job.failure == "line.wav is empty"


def test_a_fault_of_ours_is_told_and_traced(capsys: pytest.CaptureFixture[str]):
    def work(progress: Callable[[float], None]) -> None:
        raise KeyError("jawOpen")

    job = Job(work)
    wait(job)
    assert job.failure is not None
    assert "a fault in Facewright" in job.failure
    assert "Traceback" in capsys.readouterr().err
