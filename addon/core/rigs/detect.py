"""Which convention a head's keys follow, what it has of it, and why that one."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from .. import channels
from ..errors import listed, quoted
from . import affixes, names
from .coverage import Fate, fates
from .load import conventions
from .rigmap import RigMap

WHOLE, BARE, LOOSE = 1.0, 0.95, 0.9  # what a key counts: spelt so, spelt so behind a prefix, spelt otherwise
WORDY = 6  # a shorter name (Open, Blink, A) is known by its company only
COMPANY = 3  # how many such names make one
RIVAL = 0.5  # another convention is worth naming when its score is at least this much of the best


@dataclass(frozen=True)
class Detection:
    """What was recognised among a head's keys: the convention, each channel's key, and the channels without one."""

    rig: RigMap | None
    keys: dict[str, str]  # channel → the head's key that shows it most
    missing: tuple[str, ...]  # channels of the convention that the head has no key for
    given: tuple[str, ...]  # the names that were looked at
    found: dict[str, str] = field(default_factory=dict)  # control → the head's key
    controls: tuple[str, ...] = ()  # every key that a bake would write
    fates: dict[str, Fate] = field(default_factory=dict)  # for each of ARKit's 52
    rivals: tuple[str, ...] = ()  # titles of conventions that fit as well but would set these keys otherwise
    scores: dict[str, float] = field(default_factory=dict)  # title of each convention that fits at all, best first
    completed: tuple[str, ...] = ()  # channels whose keys are of another convention than the head's own
    namesakes: tuple[str, ...] = ()  # keys that do on one mesh what a control does on the others

    @property
    def correctives(self) -> tuple[str, ...]:
        """Keys that a rig logic drives; they follow by themselves and are never written."""
        return tuple(key for key in self.given if names.is_corrective(key) and key not in self.controls)

    @property
    def doubles(self) -> tuple[str, ...]:
        """Keys left alone because another one of the same name, spelt better, is written."""
        told = {*self.controls, *self.correctives, *self.namesakes}
        written = {names.plain(control) for control in self.found}
        return tuple(key for key in self.given if key not in told and not written.isdisjoint(_plainly(key)))

    def having(self, fate: Fate) -> tuple[str, ...]:
        """The channels of one fate."""
        return tuple(channel for channel, its in self.fates.items() if its is fate)

    def among(self, available: Sequence[str]) -> Detection:
        """The same convention where only these keys may be written: the others are driven, or locked."""
        if self.rig is None:
            return self
        fewer = detection_of(self.rig, tuple(dict.fromkeys(available)))
        return replace(
            fewer,
            given=self.given,
            rivals=self.rivals,
            scores=self.scores,
            completed=self.completed,
            namesakes=self.namesakes,
        )

    def meant_by(self, own: Detection) -> dict[str, str]:
        """Keys of one mesh, recognised by themselves, that are spelt otherwise on the others: its own → theirs."""
        if self.rig is None or own.rig is None:
            return {}
        written = self.rig.written(self.found, self.given)
        there = set(own.given)
        absent = [control for control, keys in written.items() if there.isdisjoint(keys)]
        meant: dict[str, str] = {}
        for control, key in own.found.items():
            same = [other for other in absent if _is_same(own.rig, control, self.rig, other)]
            if same and key not in self.controls:
                meant[key] = self.found[control if control in same else same[0]]
        return meant

    def explain(self) -> str:
        """Coverage in a few lines: what was found, what is missing or only approximated, and what that means."""
        if self.rig is None:
            return _explain_nothing(self.given, self.correctives)
        count = len(self.keys), len(self.keys) + len(self.missing)
        through = "" if len(self.found) == len(self.keys) else f" on {len(self.controls)} keys"
        line = f"{self.rig.title}: {count[0]} of {count[1]} {'channels' if through else 'keys'} found{through}."
        return "\n".join((line, *self._remarks()))

    def choice(self) -> str:
        """Why this convention: its score, and those of the next two; 1 is a head that is made to the last key."""
        best, *others = [f"{title} ({score:.2f})" for title, score in list(self.scores.items())[:3]] or ["nothing"]
        return f"{best} fits best" + (f", then {' and '.join(others)}." if others else ".")

    def _remarks(self) -> list[str]:
        reasons = (why for name, why in CONSEQUENCES.items() if name in self.missing)
        lost = next(reasons, "these channels will not show.")
        near = self.having(Fate.APPROXIMATED)
        absent = self.rig.absent if self.rig else ()
        folded = tuple(channel for channel in self.having(Fate.FOLDED) if channel not in self.missing)
        told = [
            (absent, f"Mapped to keys that this head does not have: {listed(absent)}; choose others in Mapping."),
            (self.missing, f"Missing: {listed(self.missing)}; {lost}"),
            (near, f"Approximated: {listed(near)}."),
            (folded, f"Shown together with another channel: {listed(folded)}."),
            (self.completed, f"Keys of another convention fill in: {listed(self.completed)}."),
            (self.rivals, f"May also be {listed(self.rivals)}, which would set these keys otherwise."),
            (self.doubles, f"Left alone, for another key has the name: {listed(self.doubles)}."),
            (self.correctives, f"Left alone, for the rig drives them: {listed(self.correctives)}."),
        ]
        return [line for names_told, line in told if names_told]


# What a head without a channel cannot do, the gravest first.
CONSEQUENCES = {
    "jawOpen": "the mouth cannot open.",
    "mouthClose": "lips will close by closing the jaw.",
    "eyeBlinkLeft": "it will not blink.",
}


def detect(names_given: Sequence[str]) -> Detection:
    """The convention that most of these key names follow, and what the head has of it."""
    return _detect(tuple(dict.fromkeys(names_given)))  # meshes of one character share names


@lru_cache(maxsize=64)
def _detect(given: tuple[str, ...]) -> Detection:
    """By the names as they are; where most are unknown so, without what many of them have before or after them."""
    best = _recognised(given)
    if 2 * len(best.found) >= len(given):
        return best
    for whole in affixes.shorn(given):
        if len(whole) <= 2 * len(best.found):
            continue
        short = dict(zip(given, given, strict=True)) | {key: name for name, key in whole.items()}
        behind = _recognised(tuple(short.values()))
        known = {control: whole[name] for control, name in behind.found.items() if name in whole}
        if len(known) > 2 * len(best.found) and _is_shared(known, whole):
            best = _in_full(behind, known, given)
    return best


def _is_shared(known: Mapping[str, str], whole: Mapping[str, str]) -> bool:
    """Whether enough names are known behind an affix: some that say much, or most of those that have it."""
    wordy = sum(len(names.plain(control)) >= WORDY for control in known)
    return wordy >= affixes.COMPANY or 2 * len(known) >= len(whole)


def _in_full(behind: Detection, known: Mapping[str, str], given: tuple[str, ...]) -> Detection:
    """What was recognised behind an affix, by the names that the head's keys really have."""
    if behind.rig is None:
        return behind
    spelt = {control: (*behind.rig.aliases.get(control, ()), key) for control, key in known.items()}
    rig = replace(behind.rig, aliases=behind.rig.aliases | spelt)
    return replace(detection_of(rig, given), rivals=behind.rivals, scores=behind.scores, completed=behind.completed)


def _recognised(given: tuple[str, ...]) -> Detection:
    matches = [(rig, rig.match(given)) for rig in conventions()]
    scored = [(_score(rig, found, given), rig, found) for rig, found in matches if _is_evident(found, rig, given)]
    if not scored:
        return Detection(None, {}, channels.ARKIT, given)
    ranking = sorted(scored, key=lambda row: -row[0])  # stable, so the first file wins a tie
    best, rig, found = ranking[0]
    ours = _sets(rig, found)
    rivals = tuple(
        other.title
        for score, other, its in ranking
        if score >= RIVAL * best and (theirs := _sets(other, its)) != ours and theirs.keys() == ours.keys()
    )
    whole, filled = _completed(rig, found, [(other, its) for _, other, its in ranking if other is not rig])
    scores = {other.title: score for score, other, _ in ranking}
    return replace(detection_of(whole, given), rivals=rivals, scores=scores, completed=filled)


def detection_of(rig: RigMap, given: tuple[str, ...]) -> Detection:
    """What a head with these keys has of a convention that is known already."""
    found = rig.match(given)
    keys = {channel: found[control] for channel, control in _strongest(rig, tuple(found)).items()}
    known = (*rig.weights, *rig.visemes, *(() if rig.weights else rig.instead))
    carried = dict.fromkeys(channel for control in known for channel in rig.parts(control))
    missing = tuple(channel for channel in carried if channel not in keys)
    controls = tuple(key for its in rig.written(found, given).values() for key in its)
    return Detection(rig, keys, missing, given, found, tuple(dict.fromkeys(controls)), fates(rig, found))


def _strongest(rig: RigMap, found: Sequence[str]) -> dict[str, str]:
    """Channel → the control that shows most of it."""
    strongest: dict[str, str] = {}
    for control in found:
        for channel, weight in rig.parts(control).items():
            if channel not in strongest or abs(weight) > abs(rig.parts(strongest[channel])[channel]):
                strongest[channel] = control
    return strongest


def _score(rig: RigMap, found: Mapping[str, str], given: tuple[str, ...]) -> float:
    """How well the convention explains the head and the head fills the convention: 1 is both to the last key."""
    exact = names.index(given).exact
    hits = sum(WHOLE if key == control else BARE if control in exact else LOOSE for control, key in found.items())
    hits += sum(WHOLE if exact[name] == name else BARE for name in rig.idle if name in exact)
    total = len(rig.weights) + len(rig.visemes) + len(rig.idle)
    return 2 * hits / (len(given) + total)


def _is_evident(found: Mapping[str, str], rig: RigMap, given: tuple[str, ...]) -> bool:
    if rig.telling and names.index(given).exact.keys().isdisjoint(rig.telling):
        return False
    wordy = sum(not name.isascii() or len(names.plain(name)) < WORDY for name in found)
    return len(found) > wordy or wordy >= COMPANY


def _sets(rig: RigMap, found: Mapping[str, str]) -> dict[str, object]:
    """Key → what it is set from."""
    return {key: dict(rig.parts(control)) for control, key in found.items()}


def _completed(
    rig: RigMap, found: Mapping[str, str], others: Sequence[tuple[RigMap, Mapping[str, str]]]
) -> tuple[RigMap, tuple[str, ...]]:
    """The convention with the controls of others for channels that the head would lose, and those channels."""
    lost = {channel for channel, fate in fates(rig, found).items() if fate is Fate.LOST}
    taken = set(found.values())
    added: dict[str, dict[str, float]] = {}
    filled: list[str] = []
    for other, its in sorted(others, key=lambda row: -len(row[1])):
        for control, key in its.items():
            parts = other.weights.get(control, {})
            is_plain = len(parts) == 1 and all(weight == 1 for weight in parts.values()) and other.closure == "relative"
            if is_plain and parts.keys() <= lost and key not in taken and len(names.plain(control)) >= WORDY:
                added[control] = parts
                taken.add(key)
                filled += parts
        lost -= set(filled)
    return replace(rig, weights={**added, **rig.weights}) if added else rig, tuple(dict.fromkeys(filled))


def _explain_nothing(given: tuple[str, ...], correctives: tuple[str, ...]) -> str:
    if not given:
        return "No shape keys: give the head ARKit's 52 (jawOpen, eyeBlinkLeft, ...)."
    if correctives:
        return (
            f"The rig drives these {len(correctives)} keys by itself ({listed(correctives)}).\n"
            "Animate its controls: bake ARKit's 52 as shape keys, or give it MetaHuman's raw controls."
        )
    spelt = {names.plain(control): control for rig in reversed(conventions()) for control in rig.weights}
    near = ((name, difflib.get_close_matches(names.plain(name), spelt, 1, 0.8)) for name in given[:100])
    hint = next((f" {quoted(name)} may be meant as {quoted(spelt[match[0]])}." for name, match in near if match), "")
    unknown = f"None of the {len(given)} keys has a name that is known ({listed(given)})."
    return f"{unknown}{hint}\nRename them to ARKit's 52, or let Guess from Shapes in Blender find what each is for."


def _is_same(rig: RigMap, control: str, other_rig: RigMap, other: str) -> bool:
    """Whether controls of two conventions are set to the same; what closes lips means the same to one kind only."""
    parts = rig.parts(control)
    is_closer = "mouthClose" in parts and rig.closure != other_rig.closure
    is_viseme = control in rig.visemes, other in other_rig.visemes
    spans = rig.span == other_rig.span
    return parts == other_rig.parts(other) and not is_closer and is_viseme[0] == is_viseme[1] and spans


def _plainly(key: str) -> set[str]:
    return {names.plain(reading) for reading in names.readings(key)}
