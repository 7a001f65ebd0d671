"""How a head's key names are read: what exporters put round a name, spelling, and names that Blender cut off."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

SUFFIX = re.compile(r"\.\d{3}$")  # Blender's own, on a name that was taken
# What stands before a name, in the order in which it is taken off.
PREFIXES = tuple(
    re.compile(pattern)
    for pattern in (
        r"^.*\.(?=[^\W\d])",  # Maya's node: blendShape1.jawOpen
        r"^.*__(?=[^\W\d])",  # the mesh: head_lod0_mesh__jawOpen
        r"^!ex-",  # MPFB
        r"^.+(?=Fcl_)",  # older VRoid exports: Face.M_F00_000_00_Fcl_MTH_A
        r"^CTRL_expressions_",  # MetaHuman
        r"^(?:viseme|v|FT)_",  # Oculus visemes
        r"^(?:AK|AA_VI)_\d\d_",  # Rocketbox numbers its keys
    )
)
NODE = re.compile(r"^.*(?:\.|__)(?=[^\W\d])")  # of which each mesh of a character may have its own
SEPARATORS = re.compile(r"[\s_.\-]")
# MetaHuman's rig logic drives hundreds of keys (mesh__brow_down_L), CC5's its own (C_BlinkL_LookDownL).
CORRECTIVE = re.compile(r"_lod\d+_mesh__|^C_(?=[A-Z])")
LONGEST_BYTES = 63  # Blender cuts a longer name
TELLING = 4  # a shorter ASCII name (A, PP, ou) must be spelt exactly
CUT_LEAST = 8  # letters that must be left of a name that was cut, to know it by


@lru_cache(maxsize=16384)
def plain(name: str) -> str:
    """The name without separators, case and width of letters; left and right stay what they are."""
    return SEPARATORS.sub("", unicodedata.normalize("NFKC", name)).casefold()


def readings(key: str) -> Iterator[str]:
    """The key as it is spelt, then with one thing after another taken off its front."""
    yield key
    name = SUFFIX.sub("", key).strip()
    if name != key:
        yield name
    for prefix in PREFIXES:
        shorter = prefix.sub("", name)
        if shorter != name and shorter:
            name = shorter
            yield name


def cut(name: str) -> str:
    """The name as Blender keeps it: no more than so many bytes, and whole letters."""
    return name.encode()[:LONGEST_BYTES].decode(errors="ignore")


def is_corrective(key: str) -> bool:
    """Whether a key looks like one that a rig logic drives; such a key is read only when it is spelt exactly."""
    return CORRECTIVE.search(key) is not None


@dataclass(frozen=True)
class Index:
    """A head's key names, ready to be asked for by a convention's spelling."""

    exact: dict[str, str]  # reading → key
    loose: dict[str, str]  # plain reading → key
    nodes: dict[str, tuple[str, ...]]  # name → the keys that have it behind different nodes
    cut: tuple[tuple[str, str], ...]  # plain reading of a name that fills all of Blender's bytes, and the key

    def find(self, spellings: Sequence[str]) -> str | None:
        """The head's key for a control, by the first of its spellings that is there; exact spelling goes first."""
        for name in spellings:
            if name in self.exact:
                return self.exact[name]
        for name in spellings:
            whole = plain(name)
            if not (name.isascii() and len(whole) < TELLING) and whole in self.loose:
                return self.loose[whole]
        return None

    def all_of(self, key: str, spellings: Sequence[str]) -> tuple[str, ...]:
        """The key, and with it the same control's keys on other meshes: blendShape1.jawOpen, blendShape2.jawOpen."""
        bare = NODE.sub("", key)
        wanted = {plain(name) for name in spellings}
        if bare == key or not any(plain(reading) in wanted for reading in readings(bare)):
            return (key,)
        return self.nodes.get(bare, (key,))


@lru_cache(maxsize=64)
def index(keys: tuple[str, ...]) -> Index:
    """The index of these keys; of two that read alike the one with less round it wins, then the first."""
    read = sorted(
        ((depth, place, name, key) for place, key in enumerate(keys) for depth, name in enumerate(readings(key))),
        key=lambda row: row[:2],
    )
    exact: dict[str, str] = {}
    loose: dict[str, str] = {}
    cut: list[tuple[str, str]] = []
    nodes: dict[str, list[str]] = {}
    for key in keys:
        if NODE.match(key) and not SUFFIX.search(key):
            nodes.setdefault(NODE.sub("", key), []).append(key)
    for _, _, name, key in read:
        exact.setdefault(name, key)
        if is_corrective(key):
            continue
        loose.setdefault(plain(name), key)
        if len(key.encode()) == LONGEST_BYTES and len(plain(name)) >= CUT_LEAST:
            cut.append((plain(name), key))
    return Index(exact, loose, {bare: tuple(its) for bare, its in nodes.items()}, tuple(cut))
