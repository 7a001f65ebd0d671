"""Guesses what keys of unknown names are for, from what they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from ...errors import RigError
from ..load import poses
from . import fields as seen
from .assign import assigned
from .mixes import Mix, mixes
from .place import UPRIGHT, Placement, placements
from .reference_head import Reference, reference
from .shapes import Array, Index, Shapes, Traits, joined, moving, picked, quieted, thinned, traits
from .templates import Template, shown, templates

TRIED = 3  # placements of the head that are compared in full
FITS = 2  # times that the head is then drawn to the reference, axis by axis
FIRM_CM2 = 3.0  # with few keys an axis keeps its size
SIZE_WEIGHT = 0.05  # what a key loses for moving e times as far, or as little, as the reference's
PART_PENALTY = 0.05  # joined and split keys are rarer than whole ones
LEAST = 0.22  # likeness below which a key is nobody's
SURE = 0.9  # guesses from here on may be taken unseen: 98 of 100 were right
UNSURE = SURE  # a mix may take the place of a guess that is less likely right than this
VISEMES = 3  # so many keys that open the jaw in different shapes are visemes

# Logistic, fitted on heads whose names are known: constant, by likeness, by its lead over the next best.
CERTAINTY = (-2.2, 10.6, 0.6)


@dataclass(frozen=True)
class Guess:
    """What one key seems to be for."""

    key: str
    title: str  # in words: a channel, both sides of one, half of one, or a mix
    weights: dict[str, float]  # channel → how much of it the key is set to, or for a mix how much of it is in the key
    confidence: float  # about how often such a guess is right, 0 to 1
    is_mix: bool = False  # a pose of several channels, as visemes are
    spare: str = ""  # why the key is better left alone, if it is


@dataclass(frozen=True)
class Guesses:
    """What all keys of a head seem to be for; those that resemble nothing are unknown, and still ones move nothing."""

    rows: tuple[Guess, ...]
    unknown: tuple[str, ...]
    still: tuple[str, ...]
    turn: Array  # (3, 3) from the head's own axes to left, up, ahead


@dataclass(frozen=True)
class _Known:
    """A reference head with its templates, looked at once."""

    kinds: tuple[Template, ...]
    traits: Traits
    marks: Traits  # of the channels and of visemes, by which a head is laid on the reference
    at: Array  # (S, 3) where to look
    fields: tuple[seen.Fields, ...]  # with skin alone, and with eyes, teeth and tongue


@dataclass(frozen=True)
class _Fit:
    """A head laid on the reference, and how its keys look from there."""

    head: Shapes
    fields: seen.Fields
    alike: Array  # (K, R)
    column: Index  # (K,) the template of each key; R or more is none
    worth: float
    place: Placement


def guess(head: Shapes, against: Reference | None = None) -> Guesses:
    """What each of the head's keys is for, by comparing it with the demo head's, or with another reference's."""
    known = _shipped() if against is None else _looked_at(against)
    live = moving(head)
    if not live.names:
        raise RigError("none of the keys moves the mesh; choose a head whose keys do")
    best = _fitted(thinned(quieted(live)), known)
    rows = _rows(_singles(best, known), mixes(best.fields, known.fields[0], known.kinds, live.names))
    told = tuple(rows[name] for name in live.names if name in rows)
    unknown = tuple(name for name in live.names if name not in rows)
    still = tuple(name for name in head.names if name not in live.names)
    return Guesses(_with_spares(told), unknown, still, best.place.turn)


@cache
def _shipped() -> _Known:
    return _looked_at(reference())


def _looked_at(against: Reference) -> _Known:
    whole, skin = (quieted(shown(head)) for head in (against.whole, against.skin))
    at = seen.sites(against.skin)
    pairs = [number for number, kind in enumerate(templates()) if len(kind.weights) > 1]
    marks = traits(quieted(joined(joined(against.skin, _posed(against.skin)), picked(skin, pairs))))
    return _Known(templates(), traits(skin), marks, at, (seen.fields(skin, at), seen.fields(whole, at)))


def _posed(head: Shapes) -> Shapes:
    """The reference's visemes, of which a head may have nothing else; a closure over no open jaw moves nothing."""
    kinds = {
        name: [pose.get(channel, 0.0) if channel != "mouthClose" else 0.0 for channel in head.names]
        for name, pose in poses().items()
    }
    return replace(head, moves=np.einsum("pk,kvi->pvi", np.array(list(kinds.values())), head.moves), names=tuple(kinds))


def _fitted(head: Shapes, known: _Known) -> _Fit:
    """The head as it fits the reference best: of some placements the likeliest, then drawn to what it resembles."""
    laid = [
        _compared(head.placed(place.turn, place.shift, np.full(3, place.scale)), known, place)
        for place in placements(head, known.marks)[:TRIED]
    ]
    if not laid:
        raise RigError("none of the keys moves the mesh as a face moves; choose a face, or fill in Mapping by hand")
    fit = best = max(laid, key=lambda fit: fit.worth)
    for _ in range(FITS):
        fit = _compared(_drawn_to(fit, known), known, fit.place)
        best = max(best, fit, key=lambda one: one.worth)
    return best


def _compared(head: Shapes, known: _Known, place: Placement) -> _Fit:
    """Every key against every template, and the assignment that is worth most; a key may go to nobody."""
    ours, own = seen.fields(head, known.at), traits(head)
    alike = np.max([seen.similarity(ours, theirs) for theirs in known.fields], axis=0)
    far = np.abs(np.log(np.maximum(own.reach[:, np.newaxis], 1e-9) / known.traits.reach))
    part = np.array([0.0 if kind.is_whole else PART_PENALTY for kind in known.kinds])
    alike = (alike - SIZE_WEIGHT * np.minimum(far, 3) - part) * ours.within[:, np.newaxis]
    worth = np.concatenate([alike, np.full((len(alike), len(alike)), LEAST)], axis=1)
    column = assigned(worth)
    total = float(worth[np.arange(len(worth)), column].mean()) * (UPRIGHT if place.is_upright else 1.0)
    return _Fit(head, ours, alike, column, total, place)


def _drawn_to(fit: _Fit, known: _Known) -> Shapes:
    """The head stretched and shifted along each axis so that keys come to lie on their templates."""
    here = traits(fit.head).centre
    column = np.minimum(fit.column, len(known.kinds) - 1)
    there = known.traits.centre[column]
    weight = np.where(fit.column < len(known.kinds), fit.alike[np.arange(len(column)), column], 0)
    weight = np.maximum(weight, 1e-6) / np.maximum(weight, 1e-6).sum()
    mine, goal = weight @ here, weight @ there
    mine[0] = goal[0] = 0.0  # the plane of symmetry stays
    a, b = here - mine, there - goal
    scale = (weight @ (a * b) + FIRM_CM2) / (weight @ a**2 + FIRM_CM2)
    return fit.head.placed(np.eye(3), goal - scale * mine, scale)


def _singles(fit: _Fit, known: _Known) -> list[Guess]:
    """Keys that are one channel, both sides of one, or half of one."""
    return [
        Guess(name, known.kinds[at].title, dict(known.kinds[at].weights), _confidence(fit.alike, key, int(at)))
        for key, (name, at) in enumerate(zip(fit.head.names, fit.column, strict=True))
        if at < len(known.kinds)
    ]


def _confidence(alike: Array, key: int, column: int) -> float:
    """How sure a guess is: by its likeness, and by its lead over this key's and this template's next best."""
    mine = alike[key, column]
    rivals = np.concatenate([np.delete(alike[key], column), np.delete(alike[:, column], key)])
    constant, by_likeness, by_lead = CERTAINTY
    return float(1 / (1 + np.exp(-(constant + by_likeness * mine + by_lead * (mine - rivals.max(initial=0))))))


def _rows(singles: Sequence[Guess], mixed: Sequence[Mix]) -> dict[str, Guess]:
    """One guess a key: a mix where no single channel is likely, and wherever the head speaks in visemes."""
    rows = {row.key: row for row in singles}
    unsure = {mix.key for mix in mixed if mix.key not in rows or rows[mix.key].confidence < UNSURE}
    shapes = [mix for mix in mixed if mix.key in unsure and "jawOpen" in mix.weights]
    speaks = len(shapes) >= VISEMES
    for mix in mixed:
        if (len(mix.weights) > 1 and mix.key in unsure) or (speaks and mix.is_mouth):
            rows[mix.key] = Guess(mix.key, mix.title, mix.weights, mix.confidence, is_mix=True)
    return rows


def _with_spares(rows: Sequence[Guess]) -> tuple[Guess, ...]:
    """The same, with those marked that would double what other keys do."""
    surely = {channel for row in rows if not row.is_mix for channel in row.weights}
    sided = {row.title for row in rows}
    told = []
    for row in rows:
        why = ""
        if row.is_mix and "jawOpen" in surely:
            why = "other keys make this mouth"
        elif not row.is_mix and len(row.weights) > 1 and set(row.weights) <= sided:
            why = "each side has a key of its own"
        elif row.title.endswith(" half") and next(iter(row.weights)) in sided:
            why = "another key does both halves"
        told.append(replace(row, spare=why))
    return tuple(told)
