"""Facewright: speech audio becomes an editable facial performance."""

__version__ = "0.1.0"
