"""The scripts that build the demo head and what is compared with it, asked for their options."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.mark.parametrize("script", ["build_head.py", "build_reference.py"])
def test_asking_a_builder_for_help_builds_nothing(tmp_path: Path, script: str):
    command = [sys.executable, str(SAMPLES / script), "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"usage: {script}")
    assert list(tmp_path.iterdir()) == []
