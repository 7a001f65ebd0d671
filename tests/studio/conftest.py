"""The core's tiny model, and folders of short sounds."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from addon.cli import main
from tests.core.conftest import tiny_model

__all__ = ["tiny_model"]


def say_into(path: Path, seconds: float = 0.5, pitch_hz: float = 150.0) -> None:
    """A hum that swells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(round(seconds * 16_000)) / 16_000
    soundfile.write(str(path), 0.2 * np.sin(2 * np.pi * pitch_hz * t) * np.sin(2 * np.pi * t) ** 2, 16_000)


@dataclass(frozen=True)
class Studio:
    """A folder of lines, a folder of takes, and the command that makes these of those."""

    lines: Path
    takes: Path
    model: Path
    read: Callable[[], tuple[str, str]]

    def arguments(self, *extra: object) -> Sequence[str]:
        return ["batch", str(self.lines), "-o", str(self.takes), "--model", str(self.model), *map(str, extra)]

    def command(self, *extra: object) -> list[str]:
        return [sys.executable, "-m", "addon", *self.arguments(*extra)]

    def batch(self, *extra: object) -> tuple[int, str]:
        """Exit status, and what was said on stderr; nothing else is printed."""
        status = main(self.arguments(*extra))
        out, err = self.read()
        assert out == ""
        return status, err

    def rows(self) -> list[dict]:
        return [json.loads(line) for line in (self.takes / "ledger.jsonl").read_text().splitlines()]

    def told(self, last: int = 0) -> dict[str, str]:
        """Status by sound, in the last so many rows."""
        return {row["path"]: row["status"] for row in self.rows()[-last:]}

    def files(self) -> list[str]:
        return sorted(path.relative_to(self.takes).as_posix() for path in self.takes.rglob("*") if path.is_file())


@pytest.fixture
def studio(tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> Studio:
    """Two short lines in two folders."""
    say_into(tmp_path / "lines" / "a.wav")
    say_into(tmp_path / "lines" / "act 1" / "b.flac", 0.7)
    return Studio(tmp_path / "lines", tmp_path / "takes", tiny_model, lambda: tuple(capsys.readouterr()))
