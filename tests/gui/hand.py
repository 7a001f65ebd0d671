#!/usr/bin/env python3
"""The animator's hand: beside Blender's window it moves the mouse, presses keys with xdotool and notes what followed.

Environment: DISPLAY, and FACEWRIGHT_STAGE, the folder where scene.py says what it sees. Writes seen.json.
Needs Python, xdotool and ImageMagick's import alone, because it runs wherever the window is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

STAGE = Path(os.environ["FACEWRIGHT_STAGE"])
BUTTON = "facewright.animate("
HEADERS = (16, 44)  # pixels below the sidebar's top: the first panel's header, and the second's when the first is shut
CROSS = 49  # pixels from the sidebar's right edge: the cross at the end of a row of buttons
STEP = 15  # pixels: less than a button is tall, so that none is stepped over
CLICKS = 3  # a loaded machine drops one now and then
SETTLED_TICKS = 20  # of scene.py: two seconds on a quiet machine


def state() -> dict:
    try:
        return json.loads((STAGE / "state.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"ticks": 0, "tab": "", "keyed": {}, "strips": [], "clipboard": "", "widest": {}, "preview": {}}


def wait(what: str, holds: Callable[[dict], bool], limit_s: float) -> dict:
    """What was seen once it held."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if holds(seen := state()):
            return seen
        time.sleep(0.1)
    raise SystemExit(f"hand: waited {limit_s:.0f} s in vain: {what}")


def xdotool(*arguments: object) -> None:
    subprocess.run(["xdotool", *map(str, arguments)], check=True)


def picture(name: str) -> None:
    subprocess.run(["import", "-silent", "-window", "root", STAGE / name], check=True)


def move(x: int, y: int) -> None:
    """In two steps, because a window notices a pointer that moves over it, not one that appears."""
    xdotool("mousemove", x - 3, y, "sleep", 0.1, "mousemove", x, y, "sleep", 0.1)


def find_button(sidebar: list[int], height: int, command: str = BUTTON) -> tuple[int, int]:
    """Where the button is: Ctrl+C over a button copies its Python command, so it is found by what it does."""
    left, bottom, width, tall = sidebar
    x = left + width // 2 - 10
    for y in range(height - bottom - tall + STEP, height - bottom, STEP):
        move(x, y)
        xdotool("key", "ctrl+c")
        ticks = state()["ticks"]
        seen = wait("the next look", lambda seen, ticks=ticks: seen["ticks"] >= ticks + 2, 30)
        if command in seen["clipboard"]:
            return x, y + STEP // 2
    raise SystemExit("hand: no button of the sidebar runs " + command)


def settle() -> dict:
    """What is seen once Blender has had time to draw, by its own clock: it looks again only between two drawings."""
    ticks = state()["ticks"]
    return wait("Blender to settle", lambda seen: seen["ticks"] >= ticks + SETTLED_TICKS, 120)


def click_again_until(what: str, x: int, y: int, holds: Callable[[dict], bool]) -> None:
    """Clicks as a person does whose click went unheard: again, where Blender had time to draw and nothing followed."""
    for _ in range(CLICKS):
        move(x, y)
        xdotool("click", 1)
        if holds(settle()):
            return
        print(f"hand: a click went unheard: {what}", file=sys.stderr)
    raise SystemExit(f"hand: clicked {CLICKS} times in vain: {what}")


def work() -> dict:
    """One bake and one undo, as an animator makes them."""
    opened = wait("the Facewright tab", lambda seen: seen["tab"] == "Facewright" and seen["ticks"] > SETTLED_TICKS, 120)
    move(*find_button(opened["sidebar"], opened["window"][1]))
    picture("before.png")
    xdotool("click", 1)
    wait("keys and a strip", lambda seen: bool(seen["keyed"] and seen["strips"]), 120)
    baked = settle()
    (STAGE / "show-widest").touch()
    widest = wait("the widest frame", lambda seen: bool(seen["widest"]), 60)["widest"]
    settle()
    picture("window.png")
    width, height = opened["window"]
    move(width // 3, height // 2)  # over the viewport, where Ctrl+Z belongs to the scene
    xdotool("key", "ctrl+z")
    undone = settle()
    picture("undone.png")
    return {"opened": opened, "baked": baked, "widest": widest, "undone": undone} | try_on(opened)


def try_on(opened: dict) -> dict:
    """Shuts the first panel, opens Layers, previews, lets a slider move, and leaves: nothing is ever keyed."""
    left, bottom, width, tall = opened["sidebar"]
    height = opened["window"][1]
    for below in HEADERS:
        move(left + width // 4, height - bottom - tall + below)
        xdotool("click", 1)
        settle()
    (STAGE / "revisit").touch()
    x, y = find_button(opened["sidebar"], height, "facewright.preview(")
    move(x, y)
    xdotool("click", 1)
    previewed = wait("the preview", lambda seen: seen["preview"]["is_on"] and seen["preview"]["jaw"] > 0, 120)
    settle()
    picture("preview.png")
    (STAGE / "mumble").touch()
    count = previewed["preview"]["updates"]
    wait("the slider to be followed", lambda seen: seen["preview"]["updates"] > count, 120)
    mumbled = settle()
    picture("mumbled.png")
    click_again_until("the preview's end", left + width - CROSS, y, lambda seen: not seen["preview"]["is_on"])
    return {"previewed": previewed, "mumbled": mumbled, "left": settle()}


def main() -> int:
    try:
        seen = work()
    except SystemExit:
        try:
            picture("gave-up.png")
        finally:
            print(json.dumps(state())[:2000], file=sys.stderr)
        raise
    (STAGE / "seen.json").write_text(json.dumps(seen), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
