"""Dense rows become few Bézier keys within a stated error; what must be reached exactly becomes a key.

A key has a value and a slope on each side. Its handles lie a third of the way to its neighbours, which lets time run
evenly along a segment: the curve between two keys is the cubic with their values and slopes (Hermite), here as in
Blender. What it is measured against is the dense curve: straight lines from row to row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .curves import FLOOR_TOLERANCE, SEALED_GAP, Array, Curves, Doubles, Mask, Rows, lip_gap

SWEEPS = 16  # of Jacobi's method: slopes need not be the very best, as every curve is measured afterwards
PULL = 0.05  # how much slopes are drawn to those of the rows around them, where the fit leaves them open
MARGIN = 0.98  # of the stated error is used up; the rest is for Blender's single precision
STILL_ROWS = 3  # as many rows of one value are kept as a straight line
LEAST = 1e-12  # an error allowed that is as good as none


@dataclass(frozen=True)
class Bezier:
    """One curve's keys, arrays of (K,): rows, values, slopes (a row) before and after, and which keys a straight line
    follows."""

    rows: Rows
    values: Doubles
    before: Doubles
    after: Doubles
    straight: Mask

    def handles(self) -> tuple[Doubles, Doubles]:
        """Left and right handles, each (K, 2): row and value; the outermost reach out by one row."""
        thirds = np.diff(self.rows, prepend=self.rows[:1] - 3, append=self.rows[-1:] + 3) / 3.0
        left = np.stack([self.rows - thirds[:-1], self.values - self.before * thirds[:-1]], axis=1)
        right = np.stack([self.rows + thirds[1:], self.values + self.after * thirds[1:]], axis=1)
        return left, right


def reduced(values: Array, error: npt.ArrayLike, keep: Mask | None = None) -> list[Bezier]:
    """Each column of (T, C) as keys whose curve nowhere departs from it by more than `error`, broadcast to (T, C).

    Between two rows the smaller of their errors counts. Rows marked in `keep`, (T, C), become keys. There are never
    more keys than rows: where no cubic is near enough, keys stand on every row and straight lines join them.
    """
    count, columns = values.shape
    if not np.isfinite(values).all():
        raise ValueError("values that are not numbers cannot be reduced")
    if not count or not columns:
        none = np.zeros(0)
        return [Bezier(none.astype(np.intp), none, none, none, none.astype(np.bool_))] * columns
    dense = np.ascontiguousarray(values.T, np.float64)  # (T, C) -> (C, T): a curve lies in one piece
    limit = MARGIN * np.broadcast_to(np.asarray(error, np.float64), values.shape).T
    straight = _still(dense)
    keys = np.zeros(dense.shape, np.bool_) if keep is None else keep.T.copy()
    keys[:, [0, -1]] = True
    ends = np.diff(straight.astype(np.int8), axis=1, prepend=0, append=0) != 0
    keys |= ends
    done: dict[int, Bezier] = {}
    while len(done) < columns:
        open_ = np.array([column for column in range(columns) if column not in done])
        fit = _Fit(dense[open_], keys[open_], straight[open_])
        wrong = fit.excess(limit[open_])
        for place, curve in enumerate(fit.curves()):
            if not wrong[place].any():
                done[int(open_[place])] = curve
        if wrong.any():
            keys[open_], straight[open_] = _mended(fit, wrong)
    return [done[column] for column in range(columns)]


def evaluate(curve: Bezier, at: npt.ArrayLike) -> Doubles:
    """The curve at any rows, whole or between; beyond its ends it is held."""
    where = np.clip(np.asarray(at, np.float64), curve.rows[0], curve.rows[-1])
    if len(curve.rows) == 1:
        return np.full(where.shape, curve.values[0])
    left = np.clip(np.searchsorted(curve.rows, where, side="right") - 1, 0, len(curve.rows) - 2)
    span = np.diff(curve.rows)[left].astype(np.float64)
    slope = np.diff(curve.values)[left] / span
    bend, twist = _cubic(span, slope, curve.after[left], curve.before[left + 1])
    x = where - curve.rows[left]
    bent = curve.values[left] + x * (curve.after[left] + x * (bend + x * twist))
    return np.asarray(np.where(curve.straight[left], curve.values[left] + x * slope, bent))


def closures(curves: Curves) -> tuple[Mask, Doubles]:
    """What keeps lips sealed, each (T,): rows that are to be keys of jaw and mouth (both ends of every closure and its
    deepest row), and how far jaw and lips may each depart from a row; without limit where the lips are apart."""
    gap = lip_gap(curves).astype(np.float64)
    sealed = gap <= SEALED_GAP
    starts = np.flatnonzero(sealed & ~np.concatenate([[False], sealed])[:-1])
    ends = np.flatnonzero(sealed & ~np.concatenate([sealed, [False]])[1:])
    keys = np.zeros(len(gap), np.bool_)
    keys[starts] = keys[ends] = True
    for start, end in zip(starts, ends, strict=True):
        keys[start + gap[start : end + 1].argmin()] = True
    return keys, np.where(sealed, np.clip((SEALED_GAP - gap) / 2, 0, FLOOR_TOLERANCE), np.inf)


def _still(dense: Doubles) -> Mask:
    """Intervals, (C, T - 1), within STILL_ROWS or more rows of one value."""
    level = np.diff(dense, axis=1) == 0
    edge = np.zeros((len(level), 1), np.bool_)
    beside = np.concatenate([edge, level[:, :-1]], axis=1) | np.concatenate([level[:, 1:], edge], axis=1)
    still: Mask = level & beside
    return still


def _cubic(span: Doubles, slope: Doubles, start: Doubles, end: Doubles) -> tuple[Doubles, Doubles]:
    """Factors of x² and x³ on a segment of a mean slope that starts and ends with these slopes."""
    return (3 * slope - 2 * start - end) / span, (start + end - 2 * slope) / span**2


class _Fit:
    """Cubics through given keys. All columns lie one after another: keys are (K,), segments (S,), intervals (I,)."""

    def __init__(self, dense: Doubles, keys: Mask, straight: Mask) -> None:
        self.columns, self.rows = dense.shape
        self.dense, self.keys, self.straight = dense, keys, straight
        self.at = np.flatnonzero(keys)  # (K,) positions in the flattened table
        self.values = dense.ravel()[self.at]
        self.left = np.flatnonzero(self.at % self.rows != self.rows - 1)  # (S,) the key that a segment starts with
        self.span = (self.at[self.left + 1] - self.at[self.left]).astype(np.float64)
        self.slope = (self.values[self.left + 1] - self.values[self.left]) / self.span
        self.starts = self.at[self.left] - self.at[self.left] // self.rows  # (S,) a segment's first interval
        self.line = straight.ravel()[self.starts]
        self.segment = np.repeat(np.arange(len(self.left)), self.span.astype(np.intp))  # (I,)
        self.x = np.arange(len(self.segment)) - self.starts[self.segment]  # (I,) rows since the segment's key
        self.before, self.after = self._slopes()

    def _slopes(self) -> tuple[Doubles, Doubles]:
        """The slope before and after every key, equal but beside straight lines: least squares by Jacobi's method."""
        first, second = self.left, self.left + 1
        near, far, cross, asked_near, asked_far = self._normal_equations()
        weight, asked, around = np.zeros(len(self.at)), np.zeros(len(self.at)), self._around()
        weight[first] += near
        weight[second] += far
        asked[first] += asked_near
        asked[second] += asked_far
        pull = PULL * weight + LEAST
        slopes = around
        for _ in range(SWEEPS):
            others = np.zeros(len(self.at))
            others[first] += cross * slopes[second]
            others[second] += cross * slopes[first]
            slopes = (asked - others + pull * around) / (weight + pull)
        before, after = slopes.copy(), slopes
        before[second[self.line]] = self.slope[self.line]
        after[first[self.line]] = self.slope[self.line]
        return before, after

    def _normal_equations(self) -> tuple[Doubles, ...]:
        """What each segment says of its two slopes, each (S,), from the middles and ends of its intervals."""
        sums = np.zeros((5, len(self.left)))
        flat = self.dense[:, :-1].ravel(), self.dense[:, 1:].ravel()
        span = self.span[self.segment]
        base = self.values[self.left][self.segment]
        rise = (self.slope * self.span)[self.segment]
        for share in (0.0, 0.5):
            u = (self.x + share) / span
            start, end = span * u * (1 - u) ** 2, -span * u**2 * (1 - u)  # shapes that the two slopes add
            rest = flat[0] + share * (flat[1] - flat[0]) - base - rise * u**2 * (3 - 2 * u)
            for row, product in enumerate((start**2, end**2, start * end, start * rest, end * rest)):
                sums[row] += np.bincount(self.segment, product, len(self.left))
        return tuple(sums * ~self.line)

    def _around(self) -> Doubles:
        """Slopes of the rows beside each key, (K,)."""
        steps = np.diff(self.dense, axis=1)
        if not steps.shape[1]:
            return np.zeros(len(self.at))
        padded = np.concatenate([steps[:, :1], steps, steps[:, -1:]], axis=1)
        return np.asarray(((padded[:, :-1] + padded[:, 1:]) / 2).ravel()[self.at])

    def excess(self, limit: Doubles) -> Doubles:
        """Each interval's greatest departure as a multiple of its limit, (C, T - 1); 0 where it is within."""
        value, slope, bend, twist = self.departure()
        with np.errstate(divide="ignore", invalid="ignore"):
            root = np.sqrt(np.maximum(bend**2 - 3 * slope * twist, 0))
            q = -(bend + np.copysign(root, bend))
            turns = np.stack([np.zeros_like(q), q / (3 * twist), slope / q, np.ones_like(q)])
        turns = np.clip(np.nan_to_num(turns, nan=0.0), 0, 1)
        worst = np.abs(value + turns * (slope + turns * (bend + turns * twist))).max(axis=0)
        allowed = np.minimum(limit[:, :-1], limit[:, 1:])
        worst = worst.reshape(allowed.shape)
        return np.where(worst > allowed + LEAST, worst / np.maximum(allowed, LEAST), 0)

    def departure(self) -> tuple[Doubles, ...]:
        """Curve less dense curve on each interval, as the four factors of a cubic over 0..1, each (I,)."""
        start, end = self.after[self.left], self.before[self.left + 1]
        bend, twist = (part[self.segment] for part in _cubic(self.span, self.slope, start, end))
        x, start = self.x, start[self.segment]
        here = self.dense[:, :-1].ravel()
        step = np.diff(self.dense, axis=1).ravel()
        value = self.values[self.left][self.segment] + x * (start + x * (bend + x * twist)) - here
        return value, start + x * (2 * bend + 3 * twist * x) - step, bend + 3 * twist * x, twist

    def curves(self) -> list[Bezier]:
        """The keys, column by column."""
        line = np.zeros(len(self.at), np.bool_)
        line[self.left] = self.line
        cuts = np.searchsorted(self.at, np.arange(1, self.columns) * self.rows)
        parts = (np.split(part, cuts) for part in (self.at % self.rows, self.values, self.before, self.after, line))
        return [Bezier(*column) for column in zip(*parts, strict=True)]


def _mended(fit: _Fit, wrong: Doubles) -> tuple[Mask, Mask]:
    """The keys and straight intervals with one key more on the worst row of each segment that departs too far; a
    segment without rows inside runs straight from now on."""
    keys, straight, flat = fit.keys.copy(), fit.straight.copy(), wrong.ravel()
    off = np.maximum.reduceat(flat, fit.starts) > 0
    straight.ravel()[fit.starts[off & (fit.span == 1)]] = True
    value = np.abs(fit.departure()[0])
    beside = np.minimum(flat + np.concatenate([[0.0], flat[:-1]]), 1e3)  # decides where the rows themselves are met
    score = np.where(fit.x > 0, value + 1e-3 * beside * value.max() + LEAST * (1 + beside), 0.0)
    best = np.maximum.reduceat(score, fit.starts)
    hits = np.flatnonzero((score == best[fit.segment]) & (fit.x > 0) & off[fit.segment])
    _, first = np.unique(fit.segment[hits], return_index=True)
    chosen = hits[first]
    keys.ravel()[chosen + chosen // (fit.rows - 1)] = True  # an interval's first row in the flattened table
    return keys, straight
