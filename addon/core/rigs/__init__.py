"""From channels to a head's own keys: which naming convention it follows, which it has, and what to set them to."""

from .coverage import Fate
from .detect import Detection, detect
from .load import conventions, parse
from .rigmap import RigMap

__all__ = ["Detection", "Fate", "RigMap", "conventions", "detect", "parse"]
