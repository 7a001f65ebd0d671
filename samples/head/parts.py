"""What the head has besides its skin: eyes, teeth, tongue, lashes and brows, each with the keys that move it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from . import form
from .form import EYE, EYE_R, HINGE, MOUTH, Array, rotation, smoothstep
from .keys import JAW_FORWARD_CM, JAW_SIDE_CM
from .lid_keys import bumps, lid_at, lid_rise
from .loops import MARGIN, lid_ring
from .mouth_keys import OPEN_RAD

LOOK_RAD = 0.611  # 35 degrees, what an eyeLook of 1 is in Live Link Face takes
IRIS_DEG = 22.5


@dataclass
class Part:
    """A mesh of its own: points (V, 3) in centimetres, faces, colour (V, 3) linear, displacements by key."""

    points: Array
    faces: list[tuple[int, ...]]
    colour: Array
    keys: dict[str, Array] = field(default_factory=dict)


def joined(parts: list[Part]) -> Part:
    """Several parts as one mesh; a key that one lacks leaves it still."""
    names = list(dict.fromkeys(name for part in parts for name in part.keys))
    faces, start = [], 0
    for part in parts:
        faces += [tuple(int(i) + start for i in face) for face in part.faces]
        start += len(part.points)
    keys = {name: np.concatenate([p.keys.get(name, np.zeros_like(p.points)) for p in parts]) for name in names}
    return Part(np.concatenate([p.points for p in parts]), faces, np.concatenate([p.colour for p in parts]), keys)


def mirrored(part: Part) -> Part:
    """The part of the other side; keys of the left become keys of the right."""
    flip = np.array([-1.0, 1.0, 1.0])
    swap = {"Left": "Right", "Right": "Left"}

    def other(name: str) -> str:
        return next((name.removesuffix(a) + b for a, b in swap.items() if name.endswith(a)), name)

    faces = [tuple(reversed(face)) for face in part.faces]
    return Part(part.points * flip, faces, part.colour, {other(n): move * flip for n, move in part.keys.items()})


def sheet(rows: int, cols: int, around: bool, start: int = 0) -> list[tuple[int, ...]]:
    """Quads over rows × cols vertices; the columns close to a tube where `around`."""
    span = cols if around else cols - 1
    at = [[start + i * cols + j % cols for j in range(span + 1)] for i in range(rows)]
    return [(at[i][j], at[i + 1][j], at[i + 1][j + 1], at[i][j + 1]) for i in range(rows - 1) for j in range(span)]


def paint(stops: list[tuple[float, tuple[float, float, float]]], at: Array) -> Array:
    """Colours (V, 3) read off a ramp."""
    places = [stop for stop, _ in stops]
    return np.stack([np.interp(at, places, [c[i] for _, c in stops]) for i in range(3)], axis=-1)


def _eye() -> Part:
    """The left eyeball, a true sphere, with the iris painted on and a glint that stays when it turns."""
    polar = np.array([0.6, 5, 9.4, 10, 13, 16.5, 20, 21.8, IRIS_DEG, 24.2, 28, 34, 42, 52, 64, 78, 95, 115])
    turns = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    p, t = np.meshgrid(np.radians(polar), turns, indexing="ij")
    way = np.stack([np.sin(p) * np.cos(t), -np.cos(p), np.sin(p) * np.sin(t)], axis=-1).reshape(-1, 3)
    faces = sheet(len(polar), len(turns), True) + [tuple(range(len(turns)))]
    ramp = [(9.4, (0.004, 0.003, 0.004)), (10, (0.05, 0.16, 0.17)), (13, (0.10, 0.34, 0.33)), (20, (0.05, 0.20, 0.24))]
    ramp += [
        (22.2, (0.006, 0.02, 0.03)),
        (24.2, (0.78, 0.76, 0.74)),
        (40, (0.82, 0.79, 0.76)),
        (75, (0.62, 0.50, 0.46)),
    ]
    keys = {}
    for name in ("Up", "Down", "In", "Out"):
        axis, sign = {"Up": ("x", -1), "Down": ("x", 1), "In": ("z", -1), "Out": ("z", 1)}[name]
        keys[f"eyeLook{name}Left"] = (way @ rotation(axis, sign * LOOK_RAD).T - way) * EYE_R
    ball = Part(EYE + way * EYE_R, faces, paint(ramp, np.degrees(p).ravel()), keys)
    return joined([ball, _glint(-11, 12, 4.2), _glint(9, -9, 2.0)])


def _glint(azimuth_deg: float, elevation_deg: float, size_deg: float) -> Part:
    turns = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    a, e = np.radians(azimuth_deg + size_deg * np.cos(turns)), np.radians(elevation_deg + size_deg * np.sin(turns))
    way = np.stack([np.sin(a) * np.cos(e), -np.cos(a) * np.cos(e), np.sin(e)], axis=-1)
    return Part(EYE + way * EYE_R * 1.012, [tuple(range(16))], np.ones((16, 3)) * 1.0)


def eyes() -> Part:
    """Both eyeballs; eyeLook keys turn them."""
    left = _eye()
    right = mirrored(left)
    shift = EYE * [-2, 0, 0]  # the glints sit on the same side of both eyes: there is one lamp
    right.points[-32:] = left.points[-32:] + shift
    right.faces[-2:] = [tuple(i for i in face) for face in left.faces[-2:]]
    return joined([left, right])


def _arch(t: Array, scale: float) -> Array:
    """The line of the teeth, (V, 2) x and y; t runs from the middle to the last molar."""
    return np.stack([2.55 * scale * np.sin(t), -4.2 - 3.78 * scale * np.maximum(np.cos(t), 0.0) ** 0.75], axis=-1)


def _row(upper: bool) -> Part:
    """Half a row of teeth and its gum, left."""
    scale, edge = (1.0, MOUTH[2] - 0.42) if upper else (0.94, MOUTH[2] - 0.4)
    sign = 1.0 if upper else -1.0
    widths = [0.86, 0.66, 0.72, 0.68, 0.68, 0.9, 0.9] if upper else [0.55, 0.58, 0.66, 0.68, 0.68, 0.95, 0.9]
    fine = np.linspace(0, np.pi / 2, 400)
    line = _arch(fine, scale)
    run = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    theta, phi = np.meshgrid(
        np.linspace(-np.pi / 2, np.pi / 2, 9), np.linspace(0, 2 * np.pi, 12, endpoint=False), indexing="ij"
    )

    def power(x: Array, n: float) -> Array:
        return np.asarray(np.sign(x) * np.abs(x) ** n)

    parts, start = [], 0.0
    for n, width in enumerate(widths):
        here = start + width / 2
        start += width
        t = float(np.interp(here, run, fine))
        centre = _arch(np.array([t]), scale)[0]
        ahead = _arch(np.array([t + 0.01]), scale)[0] - centre
        ahead /= np.linalg.norm(ahead)
        sinks = 0.0 if upper else 0.13 * max(n - 2, 0)  # lower molars turn least with the jaw: they would stand out
        deep, tall = (0.26 if n < 3 else 0.42), (0.62 if n in (0, 2) else 0.56)
        local = np.stack([power(np.cos(theta), 0.45) * power(np.cos(phi), 0.5) * width * 0.5,
                          power(np.cos(theta), 0.45) * power(np.sin(phi), 0.6) * deep,
                          power(np.sin(theta), 0.5) * tall], axis=-1).reshape(-1, 3)  # fmt: skip
        local[:, 1] += np.where(local[:, 2] * sign < 0, -0.05, 0.05) * np.abs(local[:, 2]) / tall
        x = centre[0] + local[:, 0] * ahead[0] - local[:, 1] * ahead[1]
        y = centre[1] + local[:, 0] * ahead[1] + local[:, 1] * ahead[0]
        points = np.stack([x, y, edge - sinks + sign * tall + local[:, 2]], axis=-1)
        shade = smoothstep(-1, 1, -sign * local[:, 2] / tall)[:, None]
        colour = np.array([0.80, 0.74, 0.64]) * (1 - shade) + np.array([0.90, 0.88, 0.83]) * shade
        parts.append(Part(points, sheet(9, 12, True), colour * np.interp(n, [1.5, 6], [1.0, 0.3])))  # darker within
    parts.append(_gum(scale, edge + sign * 1.35))
    return joined(parts)


def _gum(scale: float, height: float) -> Part:
    t = np.linspace(0, np.pi / 2, 16)
    line = _arch(t, scale)
    ahead = np.gradient(line, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    phi = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    out = 0.36 * np.cos(phi)
    x = line[:, None, 0] + ahead[:, None, 1] * out
    y = line[:, None, 1] - ahead[:, None, 0] * out
    z = np.broadcast_to(height + 0.62 * np.sin(phi), x.shape)
    points = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    return Part(points, sheet(16, 10, True), np.tile([0.50, 0.13, 0.13], (len(points), 1)))


def _with_jaw(part: Part, weight: Array | float = 1.0) -> Part:
    arm = part.points - HINGE
    part.keys["jawOpen"] = (arm @ rotation("x", OPEN_RAD).T - arm) * weight
    side = (JAW_SIDE_CM, 0.0, 0.0)
    ways = {"jawForward": (0.0, -JAW_FORWARD_CM, -0.1), "jawLeft": side, "jawRight": (-JAW_SIDE_CM, 0.0, 0.0)}
    for name, way in ways.items():
        part.keys[name] = np.ones_like(part.points) * np.array(way) * weight
    return part


def teeth() -> Part:
    """Both rows with their gums; jaw keys move the lower one."""
    upper, lower = _row(True), _row(False)
    return joined([upper, mirrored(upper), _with_jaw(joined([lower, mirrored(lower)]))])


def tongue() -> Part:
    """The tongue on the floor of the mouth; it goes with the jaw and, in tongueOut, past the lips."""
    u = np.linspace(0, 1, 18)  # from the tip to the root
    phi = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    wide = 1.85 * np.sqrt(np.clip(1 - (1 - np.minimum(u / 0.5, 1)) ** 2, 0.004, 1))
    thick = (0.3 + 0.35 * u) * np.sqrt(np.clip(1 - (1 - np.minimum(u / 0.25, 1)) ** 2, 0.01, 1))
    y = -6.6 + 5.9 * u
    z = MOUTH[2] - 1.35 + 0.6 * np.sin(np.pi * np.clip(u * 0.9, 0, 1)) - 0.9 * smoothstep(0.7, 1.0, u)
    groove = 0.14 * np.exp(-((np.cos(phi) / 0.25) ** 2)) * (np.sin(phi) > 0)
    over = np.sin(phi) * (1 + 0.25 * np.sin(phi)) - groove
    body = np.broadcast_arrays(wide[:, None] * np.cos(phi), y[:, None], z[:, None] + thick[:, None] * over)
    points = np.stack(body, axis=-1).reshape(-1, 3)
    along = np.repeat(u, len(phi))
    part = Part(
        points, [*sheet(18, 20, True), tuple(range(20))], _tongue_colour(along, np.tile(np.sin(phi) - 2 * groove, 18))
    )
    part = _with_jaw(part, (1 - 0.7 * along**2)[:, None])
    out = 1 - smoothstep(0.05, 0.95, along)
    lift = 0.5 * np.exp(-(((along - 0.4) / 0.22) ** 2))
    part.keys["tongueOut"] = np.stack([-0.12 * points[:, 0] * out, -4.1 * out, lift - 0.15 * out], axis=-1)
    return part


def _tongue_colour(along: Array, up: Array) -> Array:
    """Rosy on top and at the tip, dark at the sides and the root."""
    light = (0.35 + 0.65 * smoothstep(-0.4, 0.7, up)) * (1 - 0.75 * smoothstep(0.25, 0.9, along))
    return np.asarray(light[:, None] * np.array([0.72, 0.24, 0.24]))


def _lash_line(name: str | None, upper: bool) -> Array:
    """The left lashes, (rows × columns, 3), in a key's pose or, without one, at rest."""
    t = np.linspace(0.0, 1.0, 40)
    side = np.where((t > 0) & (t < 1), 1.0 if upper else -1.0, 0.0)
    rise = lid_rise(name, t) if name else None
    root = lid_ring(MARGIN, t, side) if rise is None else lid_at(MARGIN, t, side, rise)
    way = root - EYE
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    azimuth, elevation = np.degrees(np.arctan2(way[:, 0], -way[:, 1])), np.degrees(np.arcsin(way[:, 2]))
    bend = np.radians(elevation * 1.75 + (6 if upper else -10))
    turn = np.radians(azimuth * 1.45)
    tip = np.stack([np.sin(turn) * np.cos(bend), -np.cos(turn) * np.cos(bend), np.sin(bend)], axis=-1)
    length = (
        (0.1 + 0.34 * t**1.3) * np.clip(np.sin(np.pi * np.clip(t, 0.0, 0.985)) * 3, 0.05, 1) * (1.0 if upper else 0.3)
    )
    thick = 0.07 * np.sin(np.pi * t) ** 0.5 * np.array([0, 0, 1.0])[:, None] if upper else 0.03 * np.ones((3, 1)) * t
    rows = [root + way * 0.01, root + way * 0.05 + tip * (length * 0.55)[:, None], root + tip * length[:, None]]
    return np.concatenate([*rows, root + way * 0.02 + thick.T * (1.0 if upper else -0.6)])


def lashes(names: tuple[str, ...]) -> Part:
    """Upper and lower lashes; they ride on the lids' edges."""
    halves = []
    for upper in (True, False):
        rest = _lash_line(None, upper)
        faces = sheet(3, 40, False) + [(120 + j, j, j + 1, 121 + j) for j in range(39)]
        keys = {}
        for name in names:
            stem = name.removesuffix("Left")
            if name.endswith("Left") and lid_rise(stem, np.zeros(2)) is not None:
                keys[name] = _lash_line(stem, upper) - rest
        halves.append(Part(rest, faces, np.tile([0.02, 0.012, 0.01], (len(rest), 1)), keys))
    left = joined(halves)
    return joined([left, mirrored(left)])


def brows(names: tuple[str, ...]) -> Part:
    """The eyebrows, rolls that lie on the skin and are pushed as the skin below them is."""
    t = np.linspace(0, 1, 22)
    x = 1.15 + 4.1 * t
    z = 3.75 + 0.72 * np.sin(np.pi * t**0.8) - 0.1 * t
    line = np.stack([x, form.front(x, z) - 0.08, z], axis=-1)
    out = form.normal(line)
    over = np.cross(np.gradient(line, axis=0), out)
    over /= -np.linalg.norm(over, axis=1, keepdims=True)
    tall = 0.40 * np.sin(np.pi * np.clip(0.12 + 0.87 * t, 0, 1)) ** 0.55 * (1 - 0.45 * t)
    phi = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    points = line[:, None] + over[:, None] * (tall[:, None] * np.sin(phi))[..., None]
    points = (points + out[:, None] * (0.16 * (1 - 0.4 * t)[:, None] * np.cos(phi))[..., None]).reshape(-1, 3)
    left = Part(points, [*sheet(22, 10, True), tuple(range(10))], np.tile([0.055, 0.026, 0.016], (len(points), 1)))
    for name in names:
        stem = name.removesuffix("Left")
        push = bumps(stem, points)
        if not name.endswith("Right") and np.abs(push).max() > 0.03:
            left.keys[name] = push
    return joined([left, mirrored(left)])
