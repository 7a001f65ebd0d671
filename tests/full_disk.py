"""What stands for a full disk in a test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def disk_full_after(size: int) -> Iterator[None]:
    """Within it no file can grow beyond `size` bytes; the system refuses to write, as it does on a full disk."""
    resource = pytest.importorskip("resource", reason="a limit on the size of files stands for a full disk")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
