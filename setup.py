"""One source tree, three names: `addon` in a clone, `facewright` from pip, and whatever Blender calls the extension."""

from setuptools import find_packages, setup

setup(
    packages=["facewright", *(f"facewright.{name}" for name in find_packages("addon"))],
    package_dir={"facewright": "addon"},
)
