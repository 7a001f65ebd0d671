"""Eyes that rest on the listener, leap away and come back, and hold still in the world while the head moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..channels import EYE_UNIT_RAD
from ..curves import Array, Curves, Mask, blurred
from ..prosody import Moments, Prosody, phrases, runs, speech_mask
from ..settings import GazeSettings
from .gestures import dice, leaps, nearest

Fixations = tuple[Moments, Moments]

NASAL = {"left": 1, "right": -1}  # which way an eye's yaw turns it towards the nose

LOOK_S = 1.9  # a look at the listener lasts about this long (Argyle and Cook 1976)
AT_LISTENER_SILENT = 0.75  # those who listen look this much
FIXATION_S = 0.9  # within a look the eye moves on about so often
SHORTEST_FIXATION_S = 0.15 + 0.1  # 150 ms between leaps, and the leap itself
LEAP_S, LEAP_S_PER_DEG = 0.025, 0.0024  # main sequence: 25 ms + 2.4 ms a degree
FACE_DEG = 1.2  # standard deviation between the places of a listener's face
VERTICAL = 0.55  # looks away go less far up and down than aside
FARTHEST_DEG = 20.0  # beyond it the head would turn
RARELY = 0.02  # neither kind of look dies out
SNAP_S = 0.6  # speakers look away before they begin a phrase and back as they end it (Kendon 1967)
AT_ENDS_S = 0.3  # a take begins and ends with a look at the listener at least so long,
LEAST_AWAY_S = 0.6  # and a look away that it leaves less of than this is not begun
PLANNING_LEAD_S = (0.1, 0.4)  # before the first sound, while what to say is planned
TARGET_WIDTH_S = 0.02  # a target that jumps is followed as fast as an eye leaps, not faster: this, or for a far jump
LEAP_WIDTHS = 3.76  # the time of a leap by the width with its peak speed: 1.5 sqrt(2 pi)
JUMP_REACH = 4  # widths, from a jump to where it is not felt
LEVELS = 5  # of widths between which a row's own is interpolated
INWARDS_WIDTH_S = 0.1  # eyes turn inwards and apart more slowly than they leap: in a third of a second
LEAPING_DEG_PER_S = 60.0  # faster than eyes pursue what moves


@dataclass(frozen=True)
class GazePlan:
    """Where the character looks: yaw and pitch in the world, (T, 2) radians, and when it leaps there, and how far.

    Eyes, head and lids all follow it, each in its own layer, so it is made once and before them. `inwards`, (T,)
    radians, is what each eye turns towards the nose besides; None is far away.
    """

    world: Array
    shifts_s: Moments
    sizes_deg: Moments
    inwards: Array | None = None


def plan(
    prosody: Prosody, settings: GazeSettings, target: Array | None = None, inwards: Array | None = None
) -> GazePlan:
    """What the eyes are going to do; `target`, (T, 2) radians, is where the listener is if not straight ahead.

    `inwards`, (T,) radians, is how far each eye turns towards the nose to see it; looks away go no further off.
    """
    rows = len(prosody.pitch_hz)
    if not rows:
        return GazePlan(np.zeros((0, 2), np.float32), np.zeros(0), np.zeros(0))
    rng = dice(settings.seed, "gaze", prosody)
    looks_s, away = _looks(rng, prosody, settings)
    starts_s, places = _fixations(rng, looks_s, away, prosody.duration_s, settings.spread_deg)
    sizes_deg = np.linalg.norm(np.diff(places, axis=0, prepend=places[:1]), axis=1)
    at_deg = leaps(np.arange(rows) / prosody.rate, starts_s, LEAP_S + LEAP_S_PER_DEG * sizes_deg, places)
    world = np.deg2rad(at_deg).astype(np.float32)
    if target is not None:
        world = world + _followed(target, prosody.rate)
    if inwards is not None:
        inwards = blurred(inwards, INWARDS_WIDTH_S * prosody.rate)
    return GazePlan(world, *_shifts(world, prosody.rate), inwards)


def gaze(curves: Curves, prosody: Prosody, settings: GazeSettings, planned: GazePlan | None = None) -> Curves:
    """Eye rotation added to what is there, as radians and as eyeLook shapes; wants the head's first.

    The two agree, until a blink takes the shapes that move lids.
    """
    if settings.amount == 0 or not len(prosody.pitch_hz):
        return curves
    planned = planned or plan(prosody, settings)
    head = np.stack([curves.column("headYaw"), curves.column("headPitch")], axis=1)
    ahead = np.clip(planned.world - head, -EYE_UNIT_RAD, EYE_UNIT_RAD)
    inwards = np.zeros(len(ahead), np.float32) if planned.inwards is None else planned.inwards
    amount = np.float32(settings.amount)
    yaws = {
        side: amount * np.clip(ahead[:, 0] + sign * inwards, -EYE_UNIT_RAD, EYE_UNIT_RAD)
        for side, sign in NASAL.items()
    }
    return _turned(curves, yaws, amount * ahead[:, 1])


def _shifts(world: Array, rate: float) -> tuple[Moments, Moments]:
    """When gaze leaps, (K,) seconds, and how far, (K,) degrees."""
    steps = np.linalg.norm(np.diff(world, axis=0), axis=1)
    starts, ends = runs(np.rad2deg(steps) * rate > LEAPING_DEG_PER_S)
    sizes = np.rad2deg(np.linalg.norm(world[ends] - world[starts], axis=1)) if len(starts) else np.zeros(0)
    return starts / rate, sizes.astype(np.float64)


def _followed(target: Array, rate: float) -> Array:
    """The target as eyes follow it, (T, 2): over a jump they take as long as they leap."""
    widths_s = _widths_s(target, rate)
    levels_s = np.linspace(TARGET_WIDTH_S, widths_s.max(), LEVELS if widths_s.max() > TARGET_WIDTH_S else 1)
    followed = np.stack([blurred(target, level_s * rate) for level_s in levels_s])  # (LEVELS, T, 2)
    at = np.interp(widths_s, levels_s, np.arange(len(levels_s)))
    lower, row = at.astype(np.intp), np.arange(len(target))
    share = (at - lower).astype(np.float32)[:, np.newaxis]
    upper = np.minimum(lower + 1, len(levels_s) - 1)
    return np.asarray(followed[lower, row] * (1 - share) + followed[upper, row] * share, np.float32)


def _widths_s(target: Array, rate: float) -> Array:
    """The standard deviation, (T,) seconds, that makes of each of the target's jumps a leap."""
    widths_s = np.full(len(target), TARGET_WIDTH_S, np.float32)
    speeds = np.rad2deg(np.linalg.norm(np.diff(target, axis=0), axis=1)) * rate
    for start, end in zip(*runs(speeds > LEAPING_DEG_PER_S), strict=True):  # a few jumps
        far = np.rad2deg(np.linalg.norm(target[start : end + 1] - target[start], axis=1).max())
        width_s = (LEAP_S + LEAP_S_PER_DEG * far) / LEAP_WIDTHS
        reach = round(JUMP_REACH * width_s * rate)
        near = slice(max(0, start - reach), end + reach + 1)
        widths_s[near] = np.maximum(widths_s[near], width_s)
    return blurred(widths_s, TARGET_WIDTH_S * rate)


def _looks(rng: np.random.Generator, prosody: Prosody, settings: GazeSettings) -> tuple[Moments, Mask]:
    """When looks at the listener and looks away begin, (K,) seconds from 0 on, and which are away."""
    share = settings.at_listener
    shares = np.where(speech_mask(prosody), share, max(share, AT_LISTENER_SILENT))  # (T,)
    shares = np.clip(shares, RARELY, 1 - RARELY)
    starts_s, away = [0.0], [bool(rng.random() > shares[0])]
    for stretch in LOOK_S * rng.lognormal(-0.125, 0.5, int(prosody.duration_s / LOOK_S * 2) + 16):
        here = shares[min(int(starts_s[-1] * prosody.rate), len(shares) - 1)]
        part = 1 - here if away[-1] else here
        starts_s.append(starts_s[-1] + stretch * part / min(here, 1 - here))  # the rarer kind lasts LOOK_S
        away.append(not away[-1])
    aside = np.array(away) & (share < 1)
    spans = phrases(prosody).astype(np.float64)
    times_s = np.array(starts_s)
    planning = rng.random(len(times_s)) < settings.planning
    before_s = _drawn_to(times_s, np.sort(spans[:, 0] - rng.uniform(*PLANNING_LEAD_S, len(spans))))
    snapped = np.where(aside & planning, before_s, np.where(aside, times_s, _drawn_to(times_s, spans[:, 1])))
    snapped = np.maximum(snapped, 0.0)
    snapped[0] = 0.0
    order = np.argsort(snapped, kind="stable")
    order = order[(snapped[order] < prosody.duration_s) & _apart(snapped[order])]
    return _met_at_ends(snapped[order], aside[order], prosody.duration_s)


def _met_at_ends(starts_s: Moments, aside: Mask, end_s: float) -> tuple[Moments, Mask]:
    """Looks that begin and end at the listener, so that takes join: between two, eyes would glide from place to place.

    Speakers look back as they end (Kendon 1967); what is held after a take is no look away.
    """
    if end_s < 2 * AT_ENDS_S + LEAST_AWAY_S:
        return np.zeros(1), np.zeros(1, np.bool_)
    back_s = end_s - AT_ENDS_S
    spans_s = np.stack([starts_s, np.append(starts_s[1:], end_s)], axis=1)
    left_s = np.clip(spans_s, AT_ENDS_S, back_s)
    is_cut, is_long = (left_s != spans_s).any(axis=1), left_s[:, 1] - left_s[:, 0] >= LEAST_AWAY_S
    stays = ~aside | ~is_cut | is_long
    starts_s, aside = np.where(aside, left_s[:, 0], np.minimum(starts_s, back_s))[stays], aside[stays]
    if not len(starts_s) or starts_s[0] > 0:
        starts_s, aside = np.append(0.0, starts_s), np.append(False, aside)
    if aside[-1]:
        starts_s, aside = np.append(starts_s, back_s), np.append(aside, False)
    clear = _apart(starts_s)
    return starts_s[clear], aside[clear]


def _fixations(rng: np.random.Generator, looks_s: Moments, away: Mask, end_s: float, spread_deg: float) -> Fixations:
    """When the eye leaps, (K,) seconds, and to which yaw and pitch, (K, 2) degrees: at each look, and within looks."""
    within_s = np.cumsum(FIXATION_S * rng.lognormal(-0.18, 0.6, int(end_s / FIXATION_S * 2) + 16))
    times_s = np.concatenate([looks_s, within_s[within_s < end_s]])
    begins = np.arange(len(times_s)) < len(looks_s)
    order = np.argsort(times_s, kind="stable")
    times_s, begins = times_s[order], begins[order]
    clear = _apart(times_s) & (np.diff(times_s, append=np.inf) >= SHORTEST_FIXATION_S)
    times_s = times_s[begins | clear]  # a look always begins; leaps too close to it are left out
    look = np.searchsorted(looks_s, times_s, side="right") - 1
    aims = _aims(rng, away, spread_deg)
    wander = rng.standard_normal((len(times_s), 2)) * FACE_DEG * (1 + away[look, np.newaxis])
    places = aims[look] + wander
    return times_s, places


def _aims(rng: np.random.Generator, away: Mask, spread_deg: float) -> Moments:
    """Where each look goes, (K, 2) degrees of yaw and pitch: every way, further aside than up or down."""
    angle = rng.uniform(0, 2 * np.pi, len(away))
    size = np.minimum(spread_deg * rng.uniform(0.6, 1.6, len(away)), FARTHEST_DEG) * away
    return np.stack([size * np.cos(angle), VERTICAL * size * np.sin(angle)], axis=1)


def _drawn_to(times_s: Moments, marks_s: Moments) -> Moments:
    """The times, moved to the nearest mark if one is within SNAP_S."""
    if not len(marks_s):
        return times_s
    mark_s = nearest(times_s, marks_s)
    moved: Moments = np.where(np.abs(mark_s - times_s) < SNAP_S, mark_s, times_s)
    return moved


def _apart(times_s: Moments) -> Mask:
    """Which of the sorted times come long enough after the one before."""
    apart: Mask = np.diff(times_s, prepend=-np.inf) >= SHORTEST_FIXATION_S
    return apart


def _turned(curves: Curves, yaws: Mapping[str, Array], pitch: Array) -> Curves:
    """Each eye turned by its yaw (positive to the character's right), both by pitch (positive down), and the shapes."""
    columns = {f"{side}Eye{axis}": curves.column(f"{side}Eye{axis}") for side in yaws for axis in ("Yaw", "Pitch")}
    for side, yaw in yaws.items():
        columns[f"{side}EyeYaw"] = columns[f"{side}EyeYaw"] + yaw
        columns[f"{side}EyePitch"] = columns[f"{side}EyePitch"] + pitch
        to_right, to_left = ("In", "Out") if side == "left" else ("Out", "In")
        for way, opposite, turn in ((to_right, to_left, yaw), ("Down", "Up", pitch)):
            name, other = f"eyeLook{way}{side.title()}", f"eyeLook{opposite}{side.title()}"
            amount = curves.column(name) - curves.column(other) + turn / np.float32(EYE_UNIT_RAD)
            columns[name], columns[other] = np.clip(amount, 0, 1), np.clip(-amount, 0, 1)
    return curves.with_columns(columns)
