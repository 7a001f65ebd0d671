"""How every command ends."""

from __future__ import annotations

import subprocess
import sys


def test_a_reader_that_has_heard_enough_is_no_fault() -> None:
    code = "from model_training.command import finish; raise SystemExit(finish(lambda: 100_000 * 'a line\\n'))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        assert command.stdout.readline().strip() == b"a line"
        command.stdout.close()
        assert command.stderr.read() == b""
        assert command.wait() == 0
