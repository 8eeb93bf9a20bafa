"""Flow tables: who went from where to where, with distances, masses or totals, checked and laid out as rectangles."""

from .data import FlowData, PairLines
from .reading import read
from .target_totals import Blocks, Prior, read_prior

__all__ = ["Blocks", "FlowData", "PairLines", "Prior", "read", "read_prior"]
