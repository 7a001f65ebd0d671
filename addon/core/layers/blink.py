"""Blinks: how often, how long, and at the ends of phrases; a silent face blinks too."""

from __future__ import annotations

import numpy as np

from .. import channels
from ..curves import Array, Curves
from ..prosody import Moments, Prosody, phrases, speech_mask
from ..settings import BlinkSettings
from .gaze import GazePlan
from .gestures import dice, nearest

IRREGULARITY = 0.55  # of the gaps between blinks: log-normal, standard deviation of the logarithm
SHORTEST_GAP_S = 0.6
DURATION_SPREAD = 0.13  # 233 to 300 ms about 265
CLOSING, SHUT = 0.33, 0.18  # of the duration; opening takes the other 0.49, so closing is 48 % faster
PHRASE_END_REACH_S = 0.6  # a blink due this near the end of a phrase waits for it, or hurries
PHRASE_END_SHARE = 0.75  # so many of those do
PHRASE_END_LAG_S = (0.0, 0.15)
# Of gaze shifts beyond 33 degrees 97 % bring a blink that begins with them, of small ones few (Evinger et al. 1994).
SHIFT_DEG = (5.0, 33.0)
OWN_BLINK = 0.97
SHIFT_REACH_S = 0.8
DOUBLE_AFTER_S = (0.03, 0.12)  # from the end of the first
# They move lids too: beside a whole blink they would push lid through lid, or hold them apart.
GIVING_WAY = tuple(f"{shape}{side}" for shape in channels.MOVE_LIDS for side in ("Left", "Right"))
OWNED = (*channels.GROUPS["lids"], *(name for name in GIVING_WAY if name in channels.GROUPS["gaze"]))


def blink(curves: Curves, prosody: Prosody, settings: BlinkSettings, planned: GazePlan | None = None) -> Curves:
    """Both lids closed now and then, never less than the model has them; `amount` is the share of blinks done.

    While they close, squint, wide eyes and the shapes of looks up and down give way: together with a whole blink they
    would push lids through lids, or hold them apart. The eyes' rotation is left alone.
    """
    if settings.amount == 0 or not len(prosody.pitch_hz):
        return curves
    rng = dice(settings.seed, "blink", prosody)
    times_s, durations_s = _moments(rng, prosody, settings, planned)
    happens = rng.random(len(times_s)) < settings.amount
    shut = _lids(prosody, times_s[happens], durations_s[happens])
    columns = {n: np.maximum(curves.column(n), shut) for n in ("eyeBlinkLeft", "eyeBlinkRight")}
    for name in GIVING_WAY:
        if name in curves.names:
            columns[name] = curves.column(name) * (1 - shut)
    return curves.with_columns(columns)


def _moments(
    rng: np.random.Generator, prosody: Prosody, settings: BlinkSettings, planned: GazePlan | None
) -> tuple[Moments, Moments]:
    """When blinks begin and how long they last, (K,) seconds each: at the rates of rest and of talking, then drawn
    to phrase ends and to large shifts of gaze, some with a second one right after."""
    talking = speech_mask(prosody)
    rates = np.where(talking, settings.per_minute_talking, settings.per_minute) / 60  # a second
    rates = rates / (1 + settings.doubles)  # those are counted too
    due = np.concatenate([[0.0], np.cumsum(rates) / prosody.rate])  # (T + 1,) blinks that ought to have been
    gaps = rng.lognormal(-(IRREGULARITY**2) / 2, IRREGULARITY, int(due[-1] * 2) + 16)  # mean 1
    counts = np.cumsum(gaps) - gaps[0] * rng.random()  # the take begins anywhere between two blinks
    times_s = np.interp(counts[counts < due[-1]], due, np.arange(len(due)) / prosody.rate)
    times_s = _drawn_to_phrase_ends(rng, times_s, phrases(prosody)[:, 1].astype(np.float64))
    times_s = np.sort(_drawn_to_shifts(rng, times_s, planned, settings.with_gaze))
    times_s = times_s[np.diff(times_s, prepend=-np.inf) >= SHORTEST_GAP_S]
    durations_s = settings.duration_s * rng.uniform(1 - DURATION_SPREAD, 1 + DURATION_SPREAD, len(times_s))
    again = rng.random(len(times_s)) < settings.doubles
    seconds_s = (times_s + durations_s + rng.uniform(*DOUBLE_AFTER_S, len(times_s)))[again]
    begins_s, lasts_s = np.concatenate([times_s, seconds_s]), np.concatenate([durations_s, durations_s[again]])
    whole = begins_s + lasts_s <= (len(prosody.pitch_hz) - 1) / prosody.rate  # the last row is held, eyes open
    return begins_s[whole], lasts_s[whole]


def _drawn_to_shifts(rng: np.random.Generator, times_s: Moments, planned: GazePlan | None, readiness: float) -> Moments:
    """Blinks that are due about the time of a large leap of gaze begin with it; the largest leaps bring their own."""
    if planned is None or not len(planned.shifts_s):
        return times_s
    small, large = SHIFT_DEG
    likely = readiness * np.clip((planned.sizes_deg - small) / (large - small), 0, 1)
    own = (planned.sizes_deg >= large) & (rng.random(len(likely)) < readiness * OWN_BLINK)
    leaps_s = planned.shifts_s[rng.random(len(likely)) < likely]
    moved = times_s
    if len(leaps_s) and len(times_s):
        leap_s = nearest(times_s, leaps_s)
        moved = np.where(np.abs(leap_s - times_s) < SHIFT_REACH_S, leap_s, times_s)
    return np.concatenate([moved, planned.shifts_s[own]])


def _drawn_to_phrase_ends(rng: np.random.Generator, times_s: Moments, ends_s: Moments) -> Moments:
    yields = rng.random(len(times_s)) < PHRASE_END_SHARE
    lags_s = rng.uniform(*PHRASE_END_LAG_S, len(times_s))
    if not len(ends_s):
        return times_s
    end_s = nearest(times_s, ends_s)
    drawn = yields & (np.abs(end_s - times_s) < PHRASE_END_REACH_S)
    moved: Moments = np.where(drawn, end_s + lags_s, times_s)
    return moved


def _lids(prosody: Prosody, times_s: Moments, durations_s: Moments) -> Array:
    """How shut the lids are, (T,): down fast, shut for a moment, up more slowly; every blink has a fully shut row."""
    shut = np.zeros(len(prosody.pitch_hz), np.float32)
    if not len(times_s):
        return shut
    reach = int(np.ceil(durations_s.max() * prosody.rate)) + 1
    rows = np.floor(times_s * prosody.rate).astype(np.intp)[:, np.newaxis] + np.arange(reach + 1)  # (K, reach + 1)
    part = (rows / prosody.rate - times_s[:, np.newaxis]) / durations_s[:, np.newaxis]  # 0..1 through the blink
    held = np.maximum(SHUT, 1 / (prosody.rate * durations_s))[:, np.newaxis]  # a row at least, however short the blink
    closing = CLOSING * (1 - held) / (1 - SHUT)
    down = np.clip(part / closing, 0, 1)
    up = np.clip((1 - part) / (1 - closing - held), 0, 1)
    level = np.minimum(down * down * (3 - 2 * down), up * up * (3 - 2 * up))
    inside = rows < len(shut)
    np.maximum.at(shut, rows[inside], level[inside].astype(np.float32))
    return shut
