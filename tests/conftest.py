"""Every test runs on one thread, without telemetry, and away from the user's own Blender profile."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

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
