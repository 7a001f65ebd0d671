"""Build the Blender extension: `python extension.py wheels|build|validate`, run from a checkout.

    wheels     download the wheels that blender_manifest.toml lists into ./wheels, those that are not there yet
    build      the same, then one zip a platform into ./dist, written by Blender's own extension builder
    validate   check the manifest and every zip in ./dist with Blender's own validator and its tag list

The builder is part of Blender; it is taken from the `bpy` package of the Python that runs this (`pip install bpy`).
Nothing else is needed: no Blender is started.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
MANIFEST = ROOT / "blender_manifest.toml"
DIST = ROOT / "dist"
MODELS = (ROOT / "addon/models/base.onnx", ROOT / "addon/models/live.onnx")
ANY_PYTHON = "3.13"  # what pip resolves a pure-Python wheel for


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code is the builder's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("wheels", "build", "validate"))
    commands = {"wheels": download_wheels, "build": build, "validate": validate}
    return commands[parser.parse_args(argv).command]()


def wheels() -> tuple[Path, ...]:
    """The wheels that the manifest lists."""
    return tuple(ROOT / name for name in tomllib.loads(MANIFEST.read_text(encoding="utf-8"))["wheels"])


def download_wheels() -> int:
    """Downloads each wheel that is not there yet, by the name in the manifest."""
    missing = [path for path in wheels() if not path.exists()]
    for number, path in enumerate(missing, 1):
        print(f"[{number}/{len(missing)}] {path.name}", flush=True)
        subprocess.run(_pip_download(path), check=True)
        if not path.exists():
            print(f"{path.name} is not what the package index offers under that version", file=sys.stderr)
            return 1
    return 0


def build() -> int:
    """One zip a platform in ./dist, after the wheels are there; older zips are removed."""
    for model in MODELS:
        if not model.is_file():
            print(f"{model.name} is missing; an extension without it lacks its ears: restore {model}", file=sys.stderr)
            return 1
    if code := download_wheels():
        return code
    DIST.mkdir(exist_ok=True)
    for old in DIST.glob("facewright-*.zip"):
        old.unlink()
    arguments = ("--source-dir", ROOT, "--output-dir", DIST, "--split-platforms", f"--valid-tags={_tags()}")
    return _blender_ext("build", *arguments)


def validate() -> int:
    """Checks the checkout's manifest and every zip in ./dist; 0 only when all are right and there is a zip."""
    zips = sorted(DIST.glob("facewright-*.zip"))
    if not zips:
        print("there is no zip in dist; run: python extension.py build", file=sys.stderr)
        return 1
    return max(_blender_ext("validate", f"--valid-tags={_tags()}", path) for path in (ROOT, *zips))


def _pip_download(wheel: Path) -> list[str]:
    """pip's command for one wheel file of any platform; its name says all (PEP 427)."""
    name, version, python, abi, platforms = wheel.stem.split("-")
    interpreter = re.fullmatch(r"cp3(\d+)", python)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", str(wheel.parent), "--abi", abi]
    command += ["--python-version", f"3.{interpreter[1]}" if interpreter else ANY_PYTHON]
    for platform in platforms.split("."):
        command += ["--platform", platform]
    return [*command, f"{name}=={version}"]


def _blender_scripts() -> Path:
    """The scripts folder of the bpy package, found without importing it."""
    spec = importlib.util.find_spec("bpy")
    folders = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
    for folder in folders:
        for tags in Path(folder).glob("*/scripts/modules/_bpy_internal/extensions/tags.py"):
            return tags.parents[3]
    raise SystemExit("Blender's extension builder is missing; run: pip install bpy")


def _tags() -> Path:
    return _blender_scripts() / "modules/_bpy_internal/extensions/tags.py"


def _blender_ext(*arguments: str | Path) -> int:
    builder = _blender_scripts() / "addons_core/bl_pkg/cli/blender_ext.py"
    return subprocess.run([sys.executable, builder, *arguments], check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
