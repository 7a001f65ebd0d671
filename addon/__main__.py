"""`facewright` and `python -m facewright`: the command line, and what ends it, also while it is still being loaded."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

from .studio import terminal


def main() -> int:
    """Runs the command line and returns its exit status."""
    is_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not in the background of a script
    if is_heard:
        signal.signal(signal.SIGINT, _leave)  # numpy and onnxruntime would make an ImportError of a KeyboardInterrupt
    from .cli import main as run  # late: numpy and onnxruntime may take seconds
    from .core import backend
    from .core.errors import FacewrightError

    if sys.argv[1:2] in (["animate"], ["batch"], ["doctor"], ["live"]):
        with suppress(FacewrightError):  # told of where it is needed
            backend.version()  # which loads it
    ends = _ends_in_good_order()
    try:
        status = run()
    except KeyboardInterrupt:  # before a command began
        status = terminal.INTERRUPTED
    return 128 + ends[0] if ends else status  # as shells count them


def _ends_in_good_order() -> list[int]:
    """Has who ends the program, or closes its terminal, be heard as Ctrl+C is; the signals as they come."""
    came: list[int] = []

    def stop(number: int, _frame: object) -> None:
        came.append(number)
        if number == signal.SIGINT or len(came) == 1:  # of the others once is enough
            raise KeyboardInterrupt

    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP, and alone has SIGBREAK
        if number is not None and signal.getsignal(number) in (_leave, signal.SIG_DFL):  # nohup wants it unheard
            signal.signal(number, stop)
    return came


def _leave(*_signal: object) -> None:
    os._exit(terminal.INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
