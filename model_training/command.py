"""How every command of the trainer ends: done, one line on what the user can mend, or stopped to go on another time."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable

from addon.core.errors import FacewrightError

MENDABLE = 2  # exit status of what the user can mend
INTERRUPTED = 130  # as shells count Ctrl+C


def finish(work: Callable[[], str]) -> int:
    """Do the work and print what it has to say; returns the exit status, 0 when it was done."""
    try:
        said = work()
    except (FacewrightError, OSError) as error:  # OSError: a place that cannot be written
        print(f"error: {error}", file=sys.stderr)
        return MENDABLE
    except KeyboardInterrupt:
        print("\nstopped; run the same command again to go on", file=sys.stderr)
        return INTERRUPTED
    print(said)
    return 0


def tally(outcome: Counter[str]) -> str:
    """What was kept and what was dropped, most frequent first, a line each."""
    return "\n".join(f"{count:6d} {reason}" for reason, count in outcome.most_common())
