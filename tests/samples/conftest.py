"""The demo head's skin, built once for the tests of this room."""

from __future__ import annotations

import pytest

from samples.head import skin


@pytest.fixture(scope="session")
def face() -> skin.Skin:
    """The skin at rest, in centimetres."""
    return skin.build()
