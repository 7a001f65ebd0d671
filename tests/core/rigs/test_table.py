from __future__ import annotations

from pathlib import Path

from addon.core.rigs import conventions
from addon.core.rigs.table import markdown

PAGE = Path(__file__).parents[3] / "docs" / "rigs.md"


def test_the_page_is_what_the_command_prints():
    assert PAGE.read_text(encoding="utf-8") == markdown(), "run: python -m addon.core.rigs.table > docs/rigs.md"


def test_the_page_has_every_convention():
    assert all(markdown().count(f" {rig.title} |") >= 2 for rig in conventions())
