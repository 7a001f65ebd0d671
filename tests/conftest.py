"""Every test runs on one thread, without telemetry, and away from the user's own Blender profile."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Sequence

import pytest
from hypothesis import settings

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Blender reads this when bpy is imported, and ignores a folder that does not exist.
profile = tempfile.mkdtemp(prefix="facewright-profile-")
os.environ["BLENDER_USER_RESOURCES"] = profile
atexit.register(shutil.rmtree, profile, ignore_errors=True)

# The same examples on every run, and no clock: a loaded machine is no failure.
settings.register_profile("facewright", derandomize=True, deadline=None, max_examples=50, database=None)
settings.load_profile("facewright")

# What shares a process where tests run in several: a folder's corpora, heads and loaded Blender are made once.
TOGETHER = {"training": "training", "blender": "blender", "heads": "blender", "samples": "blender"}


def pytest_collection_modifyitems(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Keeps PyTorch's tests and Blender's in a process each."""
    root = config.rootpath / "tests"
    for item in items:
        group = TOGETHER.get(item.path.relative_to(root).parts[0])
        if group and config.pluginmanager.hasplugin("xdist"):
            item.add_marker(pytest.mark.xdist_group(group))
