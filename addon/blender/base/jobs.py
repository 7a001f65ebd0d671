"""Slow work in a thread that never touches bpy, and what the panel shows of it."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ...core.errors import Cancelled, FacewrightError

Result = TypeVar("Result")
Work = Callable[[Callable[[float], None]], Result]  # takes a function that hears the fraction done


class Job(Generic[Result]):
    """One piece of work: how far it is, and in the end its result, what stopped it, or that it was cancelled."""

    def __init__(self, work: Work[Result]) -> None:
        self.progress = 0.0
        self.result: Result | None = None
        self.failure: str | None = None
        self.was_cancelled = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(work,), name="Facewright", daemon=True)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether the thread has ended, however it ended."""
        return not self._thread.is_alive()

    @property
    def told(self) -> str:
        """How far it is, for whoever waits; once it is done, Blender stands still until the keys of it are written."""
        return "Heard; what follows takes a moment" if self.is_done else f"Listening {self.progress:.0%}"

    def join(self) -> None:
        """Waits for the end."""
        self._thread.join()

    def cancel(self) -> None:
        """Asks the work to stop at its next sign of progress; returns at once."""
        self._stop.set()

    def _run(self, work: Work[Result]) -> None:
        try:
            self.result = work(self._hear)
        except Cancelled:
            self.was_cancelled = True
        except FacewrightError as error:
            self.failure = str(error)
        except Exception as error:  # noqa: BLE001 - the thread's edge: nobody else would ever hear of it
            traceback.print_exc()
            self.failure = f"{type(error).__name__}: {error} (a fault in Facewright; the console has the details)"

    def _hear(self, fraction: float) -> None:
        if self._stop.is_set():
            raise Cancelled
        self.progress = fraction


@dataclass
class Board:
    """What the panel shows: the work in progress, and how the last one ended."""

    job: Job[Any] | None = None
    result: str = ""
    notes: tuple[str, ...] = field(default=())
    error: str = ""

    def show(self, result: str = "", notes: tuple[str, ...] = (), error: str = "") -> None:
        """Replaces the outcome of the last bake."""
        self.job, self.result, self.notes, self.error = None, result, notes, error


board = Board()  # one a Blender: its window manager runs one bake at a time
