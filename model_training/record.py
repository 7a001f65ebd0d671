"""What a run folder tells of its training: run.json, which says what made it, and losses.tsv, a row every ten steps."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from addon.core.errors import quoted, reason

from . import config
from .articulation import RATE
from .corpora import CorpusError
from .prepare import Shard
from .ranks import Ranks, TrainingError
from .whole import write_whole

RUN = "run.json"
LOSSES = "losses.tsv"
LIBRARIES = ("torch", "numpy", "scipy", "librosa")


class Record:
    """The story of one training: a part for every time it was begun or gone on with, and the losses of all of them."""

    def __init__(self, out: Path, settings: config.TrainingConfig, step: int, part: Mapping[str, Any]) -> None:
        """step: where this part begins; part: what it is made with."""
        self._out, self._step, self._clock_s = out, step, time.perf_counter()
        earlier = [one for one in read(out).get("parts", []) if one["from_step"] < step]
        self._part: dict[str, Any] = {"from_step": step, **part}
        self._run = {"config": config.to_table(settings), "parts": [*earlier, self._part]}

    def begin(self) -> None:
        """Write what this part is made with; what an earlier one noted past it is forgotten, for it is learnt again."""
        _cut(self._out / LOSSES, self._step)
        self.reached(self._step, 0.0)

    def note(self, step: int, losses: Mapping[str, float]) -> None:
        """Add a row of losses."""
        file = self._out / LOSSES
        try:
            with file.open("a", encoding="utf-8", newline="") as table:
                if not table.tell():
                    table.write("\t".join(["step", *losses]) + "\n")
                table.write("\t".join([str(step), *(f"{value:.5f}" for value in losses.values())]) + "\n")
        except OSError as error:
            raise TrainingError(f"cannot write {quoted(file)} ({reason(error)}): make room, and go on") from error

    def reached(self, step: int, waiting_s: float) -> None:
        """Write how far this part has come, and for how long of that the trainer waited for batches."""
        seconds = round(time.perf_counter() - self._clock_s, 1)
        self._part.update(to_step=step, seconds=seconds, waiting_s=round(waiting_s, 1))
        write_whole(self._out / RUN, json.dumps(self._run, indent=2) + "\n")


def read(out: Path) -> dict[str, Any]:
    """The run.json of a run folder; empty where there is none."""
    return read_json(out / RUN)


def read_json(file: Path) -> dict[str, Any]:
    """What a command noted in a run folder; empty where it has not."""
    try:
        found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    except (OSError, ValueError) as error:
        raise CorpusError(f"cannot read {quoted(file)} ({reason(error)}): write it again") from error
    if not isinstance(found, dict):
        raise CorpusError(f"cannot read {quoted(file)}: it is not what the command writes; write it again")
    return found


def facts(start: Sequence[Path], folder: Path, shard: Shard, group: Ranks) -> dict[str, Any]:
    """What a part of a training was made with, apart from its config."""
    gpu = group.device.type == "cuda"
    return {
        "start": _named(start),
        "shard": {
            "folder": folder.name,
            "lines": len(shard.lines),
            "hours": round(sum(line.rows for line in shard.lines) / RATE / 3600, 2),
            "lines_sha256": hashlib.sha256((folder / "lines.tsv").read_bytes()).hexdigest(),
        },
        "revision": revision(),
        "versions": {"python": platform.python_version(), **_versions(LIBRARIES)},
        "system": f"{platform.system()} {platform.machine()}",
        "device": torch.cuda.get_device_name(group.device) if gpu else f"CPU, {torch.get_num_threads()} threads",
        "processes": group.count,
    }


def refuse_other_start(out: Path, start: Sequence[Path]) -> None:
    """Raises if a run that goes on was begun elsewhere than it is told to begin: it would not be what was asked for."""
    parts, given = read(out).get("parts"), _named(start)
    if start and parts and parts[0]["start"] != given:
        begun = parts[0]["start"] or "nothing"
        raise TrainingError(
            f"{quoted(out)} was begun from {begun}, not {given}: leave --start out to go on, or give another --out"
        )


def _named(start: Sequence[Path]) -> str:
    return " ".join(map(str, start))


def told(out: Path) -> str:
    """How the last part of a training went, in a line."""
    part = read(out)["parts"][-1]
    steps, seconds, waiting_s = part["to_step"] - part["from_step"], part["seconds"], part["waiting_s"]
    line = f"{steps} steps in {seconds / 60:.1f} min, {waiting_s / max(seconds, 0.1):.0%} of it waiting for batches"
    return line + ("; more train.workers would feed it faster" if waiting_s > 0.1 * seconds else "")


def revision() -> str:
    """The git revision of this code, with -dirty where it was changed since; unknown outside of a checkout."""
    here = Path(__file__)
    try:
        _git(here.parent, "ls-files", "--error-unmatch", here.name)  # not that of a project which has this installed
        return _git(here.parent, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, cwd=folder, check=True)  # complains in any encoding
    return done.stdout.decode().strip()


def _versions(names: Sequence[str]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def _cut(table: Path, step: int) -> None:
    """Forget the rows past a step, and one that a kill or a full disk has left without its end."""
    if not table.exists():
        return
    text = table.read_text(encoding="utf-8")
    lines = text[: text.rfind("\n") + 1].splitlines()
    kept = [line for line in lines if line.startswith("step\t") or int(line.split("\t")[0]) <= step]
    write_whole(table, "".join(line + "\n" for line in kept))
