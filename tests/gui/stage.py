"""Where the window opens: Blender with a display of its own, on a machine that has neither display nor GPU."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
SIZE = "1600x900"
LIMIT_S = 900  # for one window, start to end; two cores with ten other programs on each needed about 500
BORROWED = ROOT.parent / "shared/tools/gui_blender.sh"  # a Debian root of its own, with Blender, Xvfb and xdotool
HOW = "name a Blender in FACEWRIGHT_BLENDER; the machine needs Xvfb, xdotool and ImageMagick"


@dataclass(frozen=True)
class Stage:
    """A Blender with the folder that one run may write to: its profile, its log, what it says and what it is asked."""

    blender: tuple[str, ...]  # how a command line of Blender begins
    folder: Path
    tool: Path | None  # what starts a display and Blender in it; None: we do

    @property
    def environment(self) -> dict[str, str]:
        """A profile of its own, and where the scene and the hand meet."""
        own = {"BLENDER_USER_RESOURCES": str(self.folder / "profile"), "FACEWRIGHT_STAGE": str(self.folder)}
        return (
            os.environ
            | own
            | {"GUI_BLENDER_ENV": "FACEWRIGHT_STAGE", "GUI_BLENDER_SIZE": SIZE}
            | {"GUI_BLENDER_LIMIT": str(LIMIT_S)}
        )

    def command(self, *arguments: str) -> str:
        """What `blender --command` prints, without a window."""
        command, pipe = [*self.blender, "--command", *arguments], subprocess.PIPE
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, timeout=LIMIT_S, stdout=pipe, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"blender --command {' '.join(arguments)} exited with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def drive(self, hand: Path, *arguments: str) -> None:
        """Opens Blender's window, lets the hand work in it, and closes it; what was printed lies in blender.log."""
        window = ["--window-geometry", "0", "0", *SIZE.split("x"), *arguments]
        written = self.folder / "blender.log"
        with written.open("w") as log:
            run = partial(subprocess.run, cwd=ROOT, stdout=log, stderr=log, timeout=LIMIT_S, check=False)
            if self.tool:
                done = run([self.tool, "drive", hand, "--", *window], env=self.environment)
            else:
                with _display() as display, _running([*self.blender, *window], log, self.environment | display):
                    done = run([hand], env=self.environment | display)
        if done.returncode:
            end = "\n".join(written.read_text(errors="replace").splitlines()[-30:])
            raise RuntimeError(f"the hand gave up ({done.returncode}); {written} ends:\n{end}")


def open_stage(folder: Path) -> Stage | str:
    """A stage in an empty folder, or one line on why there is none here."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "profile").mkdir(parents=True)  # Blender ignores a profile folder that does not exist
    if own := os.environ.get("FACEWRIGHT_BLENDER"):
        missing = [name for name in (own, "Xvfb", "xdotool", "import") if not shutil.which(name)]
        return f"there is no {' and no '.join(missing)}; {HOW}" if missing else Stage((own,), folder, None)
    if not BORROWED.exists():
        return f"no Blender was named; {HOW}"
    if subprocess.run([BORROWED, "setup"], check=False).returncode:
        return f"{BORROWED.name} could not set up a Blender; {HOW}"
    return Stage((str(BORROWED), "exec", "--", "blender"), folder, BORROWED)


@contextmanager
def _display() -> Iterator[dict[str, str]]:
    """A screen without a monitor, as the variables that a program needs to find it."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{SIZE}x24", "-nolisten", "tcp", "-noreset"]
    screen = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as number:
        display = number.readline().strip()  # Xvfb writes it once it can be used
    try:
        yield {"DISPLAY": f":{display}"}
    finally:
        screen.terminate()
        screen.wait(10)


@contextmanager
def _running(command: list[str], log: IO[str], environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # the group, because the Blender that was named may be a wrapper
        process.wait(10)
