"""How often keys of unknown names are guessed right: `python benchmarks/solve_accuracy.py [ict_head.npz]`.

Heads whose names are known are handed over without them: turned, in another unit, with noise, with keys removed, with
sides joined or split, with fewer vertices, with keys that are no part of the face. Prints rows for BENCHMARKS.md, and
how often guesses of each confidence were right. Without a file of ICT-FaceKit's head the demo head alone is tried,
which is the reference itself.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from addon.core.channels import ARKIT
from addon.core.rigs import solve
from addon.core.rigs.solve.shapes import Array, Shapes, vertex_areas
from addon.core.rigs.solve.templates import half

Case = tuple[str, Shapes, dict[str, str]]  # what was done, the head, and the right title of each key


def main() -> None:
    """Prints the table, then the confidences."""
    heads = {"demo head": demo_head(), **({"ICT-FaceKit head": ict_head(Path(sys.argv[1]))} if sys.argv[1:] else {})}
    told: list[tuple[float, bool]] = []
    print("| head | as | keys | right | wrong | left open | right of those at 0.9 and more | seconds |")
    print("|---|---|--:|--:|--:|--:|--:|--:|")
    for title, head in heads.items():
        for what, shapes, truth in cases(head):
            print(f"| {title} | {what} {_scored(shapes, truth, told)} |", flush=True)
    if len(heads) == 2:
        ict = heads["ICT-FaceKit head"]
        against = solve.Reference(*(with_tongue(ict, heads["demo head"]),) * 2)
        truth = {name: name for name in ARKIT}
        row = _scored(hidden(heads["demo head"], 1), truth, told, against)
        print(f"| demo head, compared with ICT-FaceKit's instead | turned, other unit {row} |")
    print("\n| confidence | guesses | right |\n|---|--:|--:|")
    for low, high in ((0.0, 0.75), (0.75, 0.9), (0.9, 1.0)):
        here = [is_right for confidence, is_right in told if low <= confidence < high]
        print(
            f"| {low:g} to {high:g} | {len(here)} | {np.mean(here):.0%} |" if here else f"| {low:g} to {high:g} | 0 | |"
        )


def _scored(
    shapes: Shapes, truth: dict[str, str], told: list[tuple[float, bool]], against: solve.Reference | None = None
) -> str:
    """The rest of a row: keys, right, wrong, left open, right among the confident, seconds."""
    start = time.process_time()
    found = solve.guess(shapes, against)
    seconds = time.process_time() - start
    rows = {row.key: row for row in found.rows}
    expected = {key: title for key, title in truth.items() if title}
    right = [key for key, title in expected.items() if key in rows and rows[key].title == title]
    wrong = [key for key in rows if rows[key].title != truth.get(key)]
    sure = [key for key in rows if rows[key].confidence >= solve.SURE]
    told += [(rows[key].confidence, rows[key].title == truth.get(key)) for key in rows if not rows[key].is_mix]
    sure_right = sum(rows[key].title == truth.get(key) for key in sure)
    open_keys = len(truth) - len(rows)
    counts = (
        f"{len(truth)} | {len(right)} of {len(expected)} | {len(wrong)} | {open_keys} | {sure_right} of {len(sure)}"
    )
    return f"| {counts} | {seconds:.1f} "


def cases(head: Shapes) -> Iterator[Case]:
    """The head in every disguise."""
    truth = {name: name for name in head.names}
    yield "turned, other unit", hidden(head, 1), truth
    yield "turned another way", hidden(head, 2), truth
    noisy = hidden(head, 3)
    yield "noise of 2 % of the largest move", noised(noisy, 0.02), truth
    yield "one vertex in eight", hidden(head.chosen(np.arange(0, len(head.points), 8)), 4), truth
    for seed, count in ((5, 40), (6, 30), (7, 30), (8, 20)):
        kept = picked(head, seed, count)
        yield f"{count} keys, drawn at random", hidden(kept, seed), {name: name for name in kept.names}
    yield from _resided(head)
    foreign = with_foreign(head, 9)
    yield "12 keys more that are no part of a face", hidden(foreign, 9), truth | dict.fromkeys(foreign.names[-12:], "")


def _resided(head: Shapes) -> Iterator[Case]:
    stems = [
        name.removesuffix("Left")
        for name in head.names
        if name.endswith("Left") and name not in ("jawLeft", "mouthLeft")
    ]
    moves = dict(zip(head.names, head.moves, strict=True))
    sided = {stem + side for stem in stems for side in ("Left", "Right")}
    both = {stem: moves[f"{stem}Left"] + moves[f"{stem}Right"] for stem in stems}
    rest = {name: move for name, move in moves.items() if name not in sided}
    yield (
        "both sides of every pair in one key",
        hidden(of(head, rest | both), 10),
        ({name: name for name in rest} | {stem: f"{stem}, both sides" for stem in stems}),
    )
    left = half(head.points[:, 0])[:, np.newaxis]
    split = {name: moves[name] for name in moves if name not in ("browInnerUp", "cheekPuff")}
    halves = {
        f"{name}, {side} half": moves[name] * share
        for name in ("browInnerUp", "cheekPuff")
        for side, share in (("left", left), ("right", 1 - left))
    }
    yield (
        "browInnerUp and cheekPuff split",
        hidden(of(head, split | halves), 11),
        {name: name for name in (*split, *halves)},
    )


def hidden(head: Shapes, seed: int) -> Shapes:
    """The head turned, moved and scaled at random, its vertices shuffled."""
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    size = float(10 ** rng.uniform(-2, 2))
    return head.placed(turn, rng.normal(size=3) * size * 20, np.full(3, size)).chosen(rng.permutation(len(head.points)))


def noised(head: Shapes, share: float) -> Shapes:
    """Every coordinate of every key off by a share of that key's largest move."""
    rng = np.random.default_rng(0)
    largest = np.sqrt((head.moves**2).sum(axis=2).max(axis=1))
    return of(
        head,
        dict(
            zip(
                head.names,
                head.moves + rng.normal(size=head.moves.shape) * (share * largest)[:, None, None],
                strict=True,
            )
        ),
    )


def picked(head: Shapes, seed: int, count: int) -> Shapes:
    """Some of the keys."""
    names = np.random.default_rng(seed).choice(head.names, count, replace=False)
    moves = dict(zip(head.names, head.moves, strict=True))
    return of(head, {str(name): moves[name] for name in names})


def with_foreign(head: Shapes, seed: int) -> Shapes:
    """The head with twelve bumps of random place, width and direction, as sculptors' correctives and likenesses are."""
    rng = np.random.default_rng(seed)
    moves = dict(zip(head.names, head.moves, strict=True))
    for number in range(12):
        centre = head.points[rng.integers(len(head.points))]
        near = np.exp(-((head.points - centre) ** 2).sum(axis=1) / rng.uniform(1, 6) ** 2)
        moves[f"foreign {number}"] = near[:, np.newaxis] * rng.normal(size=3)
    return of(head, moves)


def of(head: Shapes, moves: dict[str, Array]) -> Shapes:
    """The head with these moves instead."""
    return Shapes(head.points, head.areas, np.stack(list(moves.values())), tuple(moves))


def demo_head() -> Shapes:
    """The demo head's skin with eyes, teeth and tongue."""
    from samples import build_reference

    skin, rest = build_reference.demo_head()
    return Shapes(
        np.concatenate([skin.points, rest.points]),
        np.concatenate([skin.areas, rest.areas]),
        np.concatenate([skin.moves, rest.moves], axis=1),
        skin.names,
    )


def ict_head(path: Path) -> Shapes:
    """ICT-FaceKit's head with ARKit's names, the halves of browInnerUp and cheekPuff joined."""
    data = np.load(path)
    moves: dict[str, Array] = {}
    for name, move in zip(data["shape_names"], data["shape_deltas"].astype(np.float64), strict=True):
        whole = str(name).replace("_L", "Left").replace("_R", "Right")
        stem = str(name)[:-2]
        whole = stem if stem in ARKIT else whole
        if whole in ARKIT:
            moves[whole] = moves.get(whole, 0.0) + move
    quads = data["faces"]
    triangles = np.concatenate([quads[:, :3], quads[quads[:, 3] >= 0][:, [0, 2, 3]]])
    points = data["vertices"].astype(np.float64)
    return Shapes(points, vertex_areas(points, triangles), np.stack(list(moves.values())), tuple(moves))


def with_tongue(head: Shapes, other: Shapes) -> Shapes:
    """ICT-FaceKit's head with a tongueOut that moves one vertex: it has none, and a reference has all 52."""
    moves = dict(zip(head.names, head.moves, strict=True))
    moves["tongueOut"] = np.zeros_like(head.points)
    moves["tongueOut"][int(head.points[:, 2].argmax())] = 1.0
    return of(head, {name: moves[name] for name in other.names})


if __name__ == "__main__":
    main()
