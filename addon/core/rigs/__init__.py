"""From channels to a head's own keys: which naming convention it follows, which it has, and what to set them to."""

from .coverage import Fate
from .custom import CustomMap, Row
from .custom_rig import mapped
from .detect import Detection, detect
from .load import conventions, parse
from .rigmap import RigMap

__all__ = ["CustomMap", "Detection", "Fate", "RigMap", "Row", "conventions", "detect", "mapped", "parse"]
