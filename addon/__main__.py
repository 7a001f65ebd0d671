"""`facewright` and `python -m facewright`: the command line, and Ctrl+C while it is still being loaded."""

from __future__ import annotations

import os
import signal
import sys

from .studio import terminal


def main() -> int:
    """Runs the command line and returns its exit status."""
    is_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not in the background of a script
    if is_heard:
        signal.signal(signal.SIGINT, _leave)  # numpy would make an ImportError of a KeyboardInterrupt
    from .cli import main as run  # late: numpy and onnxruntime may take seconds

    if is_heard:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return run()
    except KeyboardInterrupt:  # before a command began
        return terminal.INTERRUPTED


def _leave(*_signal: object) -> None:
    os._exit(terminal.INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
