"""Flow tables: who went from where to where, with distances, masses or totals, checked and laid out as rectangles."""

from .data import FlowData, PairLines
from .prior import Prior, read_prior
from .reading import read
from .target_totals import Blocks

__all__ = ["Blocks", "FlowData", "PairLines", "Prior", "read", "read_prior"]
