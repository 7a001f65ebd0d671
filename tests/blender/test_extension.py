"""What is packaged: the manifest, its wheels, and that Blender takes the add-on in and lets it go."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Callable
from pathlib import Path

import bpy
import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import extension
from addon import __version__, blender
from addon.blender.base import hearing, sound
from addon.core.settings import Settings

MANIFEST = tomllib.loads(extension.MANIFEST.read_text(encoding="utf-8"))


def test_the_manifest_is_valid_by_blenders_own_validator(capfd: pytest.CaptureFixture[str]):
    assert extension._blender_ext("validate", f"--valid-tags={extension._tags()}", extension.ROOT) == 0


def test_the_version_is_the_packages():
    assert MANIFEST["version"] == __version__


def test_numpy_is_blenders_own():
    assert not [path for path in extension.wheels() if path.name.startswith("numpy")]


@pytest.mark.parametrize(
    ("system", "python"),
    [
        *itertools.product(("manylinux", "win_amd64", "macosx arm64"), ("cp311", "cp313", "cp314")),
        ("macosx x86_64", "cp311"),
    ],
)
def test_every_blender_finds_each_package_once(system: str, python: str):
    fitting = [path.name.split("-")[0] for path in extension.wheels() if fits(path.stem, system, python)]
    assert sorted(fitting) == ["cffi", "onnxruntime", "pycparser", "soundfile", "soxr", "typing_extensions"]


def test_windows_blender_with_an_old_c_runtime_gets_an_onnxruntime_that_it_can_load():
    carried = [path.stem.split("-") for path in extension.wheels() if path.name.startswith("onnxruntime")]
    [version] = [wheel[1] for wheel in carried if fits("-".join(wheel), "win_amd64", "cp311")]
    assert Version(version) < Version("1.21")  # which locks mutexes that MSVCP140.dll before 14.40 does not know


@pytest.mark.parametrize(
    ("system", "machine", "tag"),
    [
        ("linux", "x86_64", "manylinux"),
        ("win32", "AMD64", "win_amd64"),
        ("darwin", "arm64", "macosx arm64"),
        ("darwin", "x86_64", "macosx x86_64"),
    ],
)
def test_pip_takes_the_versions_that_the_extension_carries(system: str, machine: str, tag: str):
    project = tomllib.loads((extension.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    here = {"sys_platform": system, "platform_machine": machine, "python_version": "3.11"}
    needs = [Requirement(text) for text in project["dependencies"]]
    asked = [need for need in needs if need.name != "numpy" and (not need.marker or need.marker.evaluate(here))]
    pinned = {f"{need.name}{need.specifier}" for need in asked}
    carried = [path.name.split("-")[:2] for path in extension.wheels() if fits(path.stem, tag, "cp311")]
    assert len(pinned) == 3
    assert pinned <= {"==".join(wheel) for wheel in carried}


def fits(stem: str, system: str, python: str) -> bool:
    """Blender's own rule: the system and processor, and the interpreter or an older stable ABI."""
    _name, _version, tag, abi, platform = stem.split("-")
    is_stable = abi == "abi3" and tag <= python
    return (platform == "any" or all(part in platform for part in system.split())) and (
        tag == python or "py3" in tag or is_stable
    )


def test_pip_is_asked_for_the_very_wheel():
    wheel = extension.ROOT / "wheels/soxr-1.1.0-cp312-abi3-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl"
    command = extension._pip_download(wheel)
    assert command[-1] == "soxr==1.1.0"
    assert command[command.index("--abi") + 1] == "abi3"
    assert command[command.index("--python-version") + 1] == "3.12"
    assert command.count("--platform") == 2


def left_in_blender() -> list[str]:
    """Names of what Blender holds of ours: classes, properties, handlers, and entries of its own menus."""
    held = [getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)]
    ours = [handler.__name__ for it in held if isinstance(it, list) for handler in it if _is_ours(handler)]
    for name in dir(bpy.types):
        drawn = getattr(getattr(getattr(bpy.types, name), "draw", None), "_draw_funcs", ())
        ours += [name] * name.startswith("FACEWRIGHT") + [draw.__name__ for draw in drawn if _is_ours(draw)]
    return ours + [name for kind in (bpy.types.Scene, bpy.types.Object) for name in dir(kind) if "facewright" in name]


def _is_ours(function: Callable[..., object]) -> bool:
    return function.__module__.startswith("addon.")


def test_the_add_on_leaves_nothing_when_it_is_disabled_and_can_be_enabled_again(line: Path, settings: Settings):
    spoken = sound.from_file(str(line), 1)
    hearing.listen(spoken, settings.model)
    before = left_in_blender()
    assert {"FACEWRIGHT_OT_animate", "facewright_takes", "_file_loaded", "draw_import_menu"} <= set(before)
    blender.unregister()
    assert left_in_blender() == []
    assert hearing.recall(spoken, settings.model) is None
    blender.register("addon")
    assert sorted(left_in_blender()) == sorted(before)


@pytest.mark.skipif(bpy.app.online_access, reason="this Blender may go online")
@pytest.mark.parametrize("told", [["--to", "127.0.0.1:9"], ["--to=127.0.0.1:9"], ["--t=127.0.0.1:9"]])
def test_nothing_is_sent_while_blender_is_offline(told: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert blender._run_command(["live", "line.wav", *told]) == 2
    assert "allow online access" in capfd.readouterr().err
