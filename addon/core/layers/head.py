"""A head that nods on stressed syllables, takes a stance for each phrase, and sways a little even at rest."""

from __future__ import annotations

import numpy as np

from .. import channels
from ..curves import Array, Curves, blurred
from ..prosody import Prosody, accents, phrases, relative_pitch
from ..settings import HeadSettings
from .ends import inwards
from .gaze import GazePlan
from .gestures import dice, drift, humps

LAG_S = 0.03  # the head follows the voice (Munhall et al. 2004 and others measure 0 to 50 ms)
NOD_WIDTH_S = (0.28, 0.5)
STANCE_WIDTH_S = 0.25  # standard deviation of the ease into a stance and back to rest
EDGE_S = 0.5  # a take begins and ends without what speech does to the head, so that takes join
STANCE = {"headYaw": 0.6, "headPitch": 0.35, "headRoll": 0.4}  # standard deviation, of nod_deg
PITCH_LIFT = 0.25  # of nod_deg: a voice at the top of its range lifts the chin
SWAY = {"headYaw": 1.0, "headPitch": 0.7, "headRoll": 0.6}  # standard deviation, of sway_deg
SWAY_HZ = (0.05, 0.35)
JOINS_BY = 0.8  # of what lies beyond the limit: beyond it the head does most of the turning
JOINS_LATE_S, JOINS_WIDTH_S = 0.28, 0.11  # the eyes are there first; a head of some weight takes half a second
NODS_UP = 0.15  # so many accents are beaten with the chin going up


def head(curves: Curves, prosody: Prosody, settings: HeadSettings, planned: GazePlan | None = None) -> Curves:
    """Head rotation in radians added to what is there: nods, stances, sway, and its share of where the eyes go.

    Back at rest where nobody speaks and nothing aside is looked at.
    """
    if settings.amount == 0 or not len(prosody.pitch_hz):
        return curves
    rng = dice(settings.seed, "head", prosody)
    sway = {name: share * drift(rng, len(prosody.pitch_hz), prosody.rate, SWAY_HZ) for name, share in SWAY.items()}
    spoken = _stances(rng, prosody)
    spoken["headPitch"] += _nods(rng, prosody) - _lift(prosody)
    fade = inwards(len(prosody.pitch_hz), prosody.rate, EDGE_S)
    moved_deg = {
        name: settings.sway_deg * sway[name] + settings.nod_deg * fade * spoken[name] for name in channels.HEAD
    }
    if planned:
        joined = _joined_deg(planned, settings.joins_from_deg, prosody.rate)
        moved_deg["headYaw"] = moved_deg["headYaw"] + joined[:, 0]
        moved_deg["headPitch"] = moved_deg["headPitch"] + joined[:, 1]
    scale = np.float32(np.deg2rad(settings.amount))
    return curves.with_columns({name: curves.column(name) + scale * moved for name, moved in moved_deg.items()})


def _joined_deg(planned: GazePlan, from_deg: float, rate: float) -> Array:
    """Yaw and pitch, (T, 2) degrees, that the head takes over where gaze goes further than eyes like to."""
    world_deg = np.rad2deg(planned.world)
    beyond = np.sign(world_deg) * np.maximum(np.abs(world_deg) - from_deg, 0) * np.float32(JOINS_BY)
    late = round(JOINS_LATE_S * rate)
    delayed = np.concatenate([np.repeat(beyond[:1], late, axis=0), beyond])[: len(beyond)]
    return blurred(delayed, JOINS_WIDTH_S * rate)


def _nods(rng: np.random.Generator, prosody: Prosody) -> Array:
    """Nods that peak on accents, (T,), 1 for a full one; positive is chin down."""
    times_s, strengths = accents(prosody)
    widths_s = rng.uniform(*NOD_WIDTH_S, len(times_s))
    sizes = strengths * rng.uniform(0.3, 1.0, len(times_s)) * np.where(rng.random(len(times_s)) < NODS_UP, -0.5, 1.0)
    return humps(prosody, times_s + LAG_S, widths_s, sizes)


def _stances(rng: np.random.Generator, prosody: Prosody) -> dict[str, Array]:
    """A turn of the head for every phrase, eased into and out of; zero where nobody speaks."""
    spans = np.rint(phrases(prosody) * prosody.rate).astype(np.intp)
    draws = np.clip(rng.standard_normal((len(spans), len(STANCE))), -1.5, 1.5)  # (P, 3)
    steps = np.zeros((len(prosody.pitch_hz) + 1, len(STANCE)), np.float32)
    if len(spans):
        np.add.at(steps, spans[:, 0], draws)
        np.add.at(steps, spans[:, 1], -draws)
    held = np.cumsum(steps, axis=0, dtype=np.float64)[:-1].astype(np.float32)
    eased = blurred(held, STANCE_WIDTH_S * prosody.rate)
    return {name: share * eased[:, i] for i, (name, share) in enumerate(STANCE.items())}


def _lift(prosody: Prosody) -> Array:
    lag = round(LAG_S * prosody.rate)
    lift = blurred(relative_pitch(prosody), 0.15 * prosody.rate)
    late = np.concatenate([np.zeros(lag, np.float32), lift])[: len(lift)]
    return np.asarray(PITCH_LIFT * late, np.float32)
