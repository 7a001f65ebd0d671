"""Every setting with its default and range, as Markdown: python -m addon.core.settings_table > docs/settings.md."""

from __future__ import annotations

import sys
from dataclasses import Field, fields
from typing import Any

from .settings import DEFAULTS, MAX_SEED

INTRODUCTION = """\
# Settings

What `--settings` reads, and a [preset](layers.md#presets) is: a TOML file that names what it changes. All else stays
as it comes, and a name that is unknown or a value out of range is refused.

```toml
seed = 7

[head]
amount = 0.5

[blink]
per_minute_talking = 20.0
```

    facewright animate line.wav -o line.csv --settings calm.toml

In Blender the layers' settings are the sliders of the *Layers* panel; model file, device and threads stand in the
preferences. A name that ends in `_s` counts seconds, one in `_deg` degrees. [What the layers do](layers.md) says more.
"""
HEAD = "| setting | default | from | to | what it does |\n|---|--:|--:|--:|---|"


def markdown() -> str:
    """The whole page: what a settings file is, and a table for each of its sections, the layers' first."""
    seed, *sections = fields(DEFAULTS)
    parts = [INTRODUCTION, f"{HEAD}\n{_row(seed)}\n"]
    for section in sorted(sections, key=lambda item: item.name == "model"):
        rows = "\n".join(_row(item) for item in fields(getattr(DEFAULTS, section.name)))
        parts.append(f"## `[{section.name}]`\n\n{HEAD}\n{rows}\n")
    return "\n".join(parts)


def _row(item: Field[Any]) -> str:
    low, high = (_number(item.metadata[end]) if end in item.metadata else "" for end in ("low", "high"))
    default = f"`{item.default!r}`".replace("'", '"')
    return f"| `{item.name}` | {default} | {low} | {high} | {item.metadata['about']} |"


def _number(value: float) -> str:
    return "2³¹ − 1" if value == MAX_SEED else f"{value:g}"


if __name__ == "__main__":
    sys.stdout.write(markdown())
