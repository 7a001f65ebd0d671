from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from addon.core.settings import DEFAULTS, loads
from addon.core.settings_table import markdown

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_page_is_what_the_command_prints():
    assert PAGE.read_text(encoding="utf-8") == markdown(), "run: python -m addon.core.settings_table > docs/settings.md"


def test_the_page_names_every_setting_with_what_it_does():
    rows = re.findall(r"^\| `(\w+)` \| `.+` \| .*\| .* \| (.+) \|$", markdown(), re.MULTILINE)
    assert [name for name, _ in rows].count("seed") == 9  # the take's and eight layers'; smoothing draws nothing
    assert len(rows) == 1 + sum(len(fields(getattr(DEFAULTS, item.name))) for item in fields(DEFAULTS)[1:])
    assert all(about for _, about in rows)


def test_the_page_s_example_is_read_as_it_stands():
    example = loads(re.findall(r"```toml\n(.+?)```", markdown(), re.DOTALL)[0])
    assert (example.seed, example.head.amount, example.blink.per_minute_talking) == (7, 0.5, 20.0)
