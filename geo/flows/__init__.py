"""Flow tables: who went from where to where, with distances and masses, checked and laid out as rectangles."""

from .data import FlowData, Lines
from .reading import read

__all__ = ["FlowData", "Lines", "read"]
