"""Flow tables: who went from where to where, with distances, masses or totals, checked and laid out as rectangles."""

from .data import FlowData, Lines
from .given import Blocks
from .prior import Prior, read_prior
from .reading import read

__all__ = ["Blocks", "FlowData", "Lines", "Prior", "read", "read_prior"]
