"""For heads whose keys have unknown names: what each key is for, from what it does to the mesh."""

from .guessing import SURE, Guess, Guesses, guess
from .reference_head import Reference, reference
from .rows import rig_of, rows_of
from .shapes import Shapes, vertex_areas

__all__ = ["SURE", "Guess", "Guesses", "Reference", "Shapes", "guess", "reference", "rig_of", "rows_of", "vertex_areas"]
