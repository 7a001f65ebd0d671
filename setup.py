"""One source tree, three names: `addon` in a clone, `facewright` from pip, and whatever Blender calls the extension."""

import shutil
from pathlib import Path

from setuptools import find_packages, setup

shutil.rmtree(Path(__file__).parent / "build" / "lib", ignore_errors=True)  # what an earlier build left would ship too
DATA = ("models", "presets")  # without a module, yet packages to setuptools, which else warns that they may be left out

setup(
    packages=["facewright", *(f"facewright.{name}" for name in (*find_packages("addon"), *DATA))],
    package_dir={"facewright": "addon"},
)
