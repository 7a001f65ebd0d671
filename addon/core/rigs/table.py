"""What every convention shows of ARKit's 52 channels, as Markdown: python -m addon.core.rigs.table > docs/rigs.md."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .. import channels
from .coverage import Fate, fates
from .load import conventions
from .rigmap import RigMap

SIGNS = {Fate.COVERED: "●", Fate.APPROXIMATED: "◐", Fate.FOLDED: "◇", Fate.LOST: " "}
FAMILIES = {
    "arkit": "ARKit and its spellings",
    "characters": "Character makers",
    "metahuman": "MetaHuman",
    "games": "Avatars and games",
    "visemes": "Visemes only",
}
CLOSURES = {
    "relative": "keys over the open jaw",
    "absolute": "a key of its own, and the jaw gives way",
    "share": "keys, by the share of the jaw's opening",
}
INTRODUCTION = """\
# Heads that Facewright speaks through

A head's keys are recognised by their names; no key need be renamed. What exporters put round a name does not matter:
`blendShape1.`, `!ex-`, `head_lod0_mesh__`, `CTRL_expressions_`, `.001`, other case, other separators, and the end that
Blender cuts off beyond 63 bytes. Nor does what many of the keys share before or after their names, such as `Head_`,
`ns:`, `a|`, `_bs` or a number: `01_jawOpen`. A head that lacks some of its keys is recognised all the same, keys of a
second convention fill in what the first one lacks, and the panel says what each channel has become. A mesh that spells
its keys otherwise than the others, such as lashes with `eyeBlink_L` on a head with `eyeBlinkLeft`, moves with them:

| sign | meaning |
|---|---|
| ● | covered: keys of its own show it as it is meant |
| ◐ | approximated: another shape comes near, or a mix of visemes |
| ◇ | folded: it shares a key with its other side, or closes the lips through the jaw |
|   | lost: nothing shows it |

**Lips.** `mouthClose` closes the lips over the open jaw. A head without such a key closes them with the jaw; where the
key is the whole pose (SRanipal, Audio2Face-3D) the jaw gives way to it; MetaHuman's lips come together by the share of
the jaw's opening that is closed. Sealed lips are sealed on every head that can open its mouth.

**Visemes.** A head that has only visemes gets the mix of their poses that is nearest to the curves (least squares with
weights of 0 to 1), never wider open than the curves are. So its mouth moves between sounds instead of switching.

**Left alone.** Keys that a rig logic drives (MetaHuman's `head_lod0_mesh__brow_down_L`, CC5's `C_BlinkL_LookDownL`), a
viseme beside ARKit's 52, and of two keys of one name the one that is spelt worse.

Head, eye and jaw bones are no keys and not in these tables; they turn as the Rig panel says. The other bones of a face,
such as Rigify's, are left alone.
"""


def markdown() -> str:
    """The whole page: how names are read, and a table for each family of conventions."""
    parts = [INTRODUCTION, _overview()]
    for family, title in FAMILIES.items():
        rigs = [rig for rig in conventions() if rig.family == family]
        parts.append(f"## {title}\n\n{_table(rigs)}")
    return "\n".join(parts)


def _overview() -> str:
    rows = []
    for rig in conventions():
        found = list(_coverage(rig).values())
        counts = " | ".join(str(found.count(fate)) for fate in Fate)
        keys = len(rig.weights) + len(rig.visemes)
        rows.append(f"| {rig.title} | `{rig.name}.toml` | {keys} | {counts} | {_closing(rig)} |")
    head = "| convention | file | keys written | covered | approximated | folded | lost | lips close by |"
    return "\n".join(["## Conventions\n", head, "|---|---|--:|--:|--:|--:|--:|---|", *rows, ""])


def _closing(rig: RigMap) -> str:
    if any("mouthClose" in pose for pose in rig.visemes.values()):
        return "a viseme, and the jaw"
    return CLOSURES[rig.closure] if any("mouthClose" in parts for parts in rig.weights.values()) else "the jaw"


def _table(rigs: Sequence[RigMap]) -> str:
    coverage = [_coverage(rig) for rig in rigs]
    head = "| channel | " + " | ".join(rig.title for rig in rigs) + " |"
    rows = [
        f"| {channel} | " + " | ".join(SIGNS[its[channel]] for its in coverage) + " |" for channel in channels.ARKIT
    ]
    return "\n".join([head, "|---|" + ":-:|" * len(rigs), *rows, ""])


def _coverage(rig: RigMap) -> dict[str, Fate]:
    return fates(rig, rig.match((*rig.weights, *rig.visemes)))


if __name__ == "__main__":
    sys.stdout.write(markdown())
