"""The built zip in a real Blender's real window: installed, clicked, looked at, undone.

FACEWRIGHT_BLENDER names another Blender than the borrowed one, FACEWRIGHT_ZIP another zip than the one in dist.
FACEWRIGHT_WINDOW=optional skips, loudly, where no Blender can be had; a Blender that is there must pass.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.gui.stage import ROOT, Stage, open_stage

pytestmark = pytest.mark.gui
HERE = Path(__file__).parent
OUT = ROOT / "out/gui"


@pytest.fixture(scope="module")
def stage() -> Stage:
    stage = open_stage(OUT)
    if isinstance(stage, str):
        (pytest.skip if os.environ.get("FACEWRIGHT_WINDOW") == "optional" else pytest.fail)(stage)
    return stage


@pytest.fixture(scope="module")
def installed(stage: Stage) -> str:
    """What Blender says of its extensions after the zip was installed the way a user installs it."""
    named = os.environ.get("FACEWRIGHT_ZIP")
    built = [Path(named)] if named else list((ROOT / "dist").glob("facewright-*linux*.zip"))
    assert len(built) == 1, f"need one zip for Linux, found {built}; run: make extension"
    here = shutil.copy(built[0], stage.folder)  # inside the folder that the borrowed Blender can see
    stage.command("extension", "install-file", "--repo", "user_default", "--enable", str(here))
    return stage.command("extension", "list")


@pytest.fixture(scope="module")
def seen(stage: Stage, installed: str) -> dict:
    """What the scene looked like when the tab was open, after the click, and after Ctrl+Z."""
    head = ROOT / "samples/head.blend"
    line = min((ROOT / "samples").glob("*.wav"), key=lambda path: path.stat().st_size)
    stage.drive(HERE / "hand.py", str(head), "--python", str(HERE / "scene.py"), "--", str(line))
    return json.loads((stage.folder / "seen.json").read_text(encoding="utf-8"))


def test_the_zip_installs_from_disk(installed: str):
    assert "facewright" in installed


def test_the_tab_opens_and_nothing_is_keyed_before_the_click(seen: dict):
    assert seen["opened"]["tab"] == "Facewright"
    assert seen["opened"]["keyed"] == {}
    assert seen["opened"]["strips"] == []


def test_the_button_keys_the_head(seen: dict):
    keyed = seen["baked"]["keyed"]
    assert {"jawOpen", "mouthClose", "eyeBlinkLeft", "eyeBlinkRight"} <= keyed.keys()
    frames, jaw = zip(*keyed["jawOpen"], strict=True)
    assert frames[0] == 1
    assert len(frames) > 10
    assert max(jaw) - min(jaw) > 0.05


def test_the_head_that_is_shown_follows_its_keys(seen: dict):
    assert seen["widest"]["shown"] == pytest.approx(seen["widest"]["keyed"], abs=1e-3)


def test_the_button_puts_the_line_into_the_sequencer(seen: dict):
    strips = seen["baked"]["strips"]
    assert len(strips) == 1
    assert strips[0]["start"] == 1
    assert Path(strips[0]["file"]).name == Path(seen["baked"]["sound"]).name


def test_one_ctrl_z_takes_all_of_it_back_and_nothing_else(seen: dict):
    assert seen["undone"]["keyed"] == {}
    assert seen["undone"]["strips"] == []
    assert seen["undone"]["sound"] == seen["opened"]["sound"]


def test_the_preview_shows_the_line_and_follows_a_slider(seen: dict):
    shown, mumbled = seen["previewed"]["preview"]["jaw"], seen["mumbled"]["preview"]["jaw"]
    assert shown == pytest.approx(seen["widest"]["keyed"], abs=0.02)
    assert mumbled < 0.5 * shown


def test_the_preview_keys_nothing_and_leaves_nothing(seen: dict):
    assert seen["previewed"]["keyed"] == seen["mumbled"]["keyed"] == seen["left"]["keyed"] == {}
    assert seen["left"]["preview"]["jaw"] == seen["undone"]["preview"]["jaw"]


def test_the_window_was_photographed(seen: dict, stage: Stage):
    assert (stage.folder / "window.png").stat().st_size > 30_000  # an empty screen is a few kB
