"""Census year-books: workbooks with places and totals, read into checked tables of places."""

from .corrections import COLUMNS as CORRECTION_COLUMNS
from .quantities import DIMENSIONS, QUANTITIES, Quantity
from .reading import ADAPTERS, read
from .table import CensusTable, Level, YearBook

__all__ = [
    "ADAPTERS",
    "CORRECTION_COLUMNS",
    "DIMENSIONS",
    "QUANTITIES",
    "CensusTable",
    "Level",
    "Quantity",
    "YearBook",
    "read",
]
