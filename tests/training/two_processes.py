"""What test_train_ranks has torchrun start twice: a training together, then trouble that only one of the two meets."""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

from addon.core.errors import FacewrightError
from model_training import config, ranks, train


def attempt(folder: Path, name: str, shard: Path, group: ranks.Ranks) -> int:
    """The status that the command would end with."""
    try:
        train.train(config.load(folder / name), shard, folder / "run", group=group)
    except FacewrightError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ranks.ToldElsewhere:
        return 2
    return 0


def main() -> None:
    folder, shard = Path(sys.argv[1]), Path(sys.argv[2])
    with ranks.joined() as group:
        statuses = [attempt(folder, "short.toml", shard, group)]
        # Curves that are not numbers make the second process's loss none, and its alone.
        statuses.append(attempt(folder, "long.toml", shard if group.leads else folder / "wild", group))
        statuses.append(attempt(folder, "heard.toml", shard, group))
        if group.leads:  # a full disk, where only the first process writes
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
        statuses.append(attempt(folder, "long.toml", shard, group))
    (folder / f"statuses{group.number}.json").write_text(json.dumps(statuses), encoding="utf-8")


if __name__ == "__main__":
    main()
    sys.stderr.flush()
    os._exit(0)  # threads of PyTorch's that are still ending now and then abort a process that is through
