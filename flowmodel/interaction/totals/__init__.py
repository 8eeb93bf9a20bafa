"""Flows nearest to a prior that have given row, column and block totals, or net migration alone."""

from .adjust import Adjusted as Adjusted
from .adjust import Totals as Totals
from .adjust import consistent as consistent
