"""Flows nearest to a prior table that have target totals: outflows, inflows, sums of blocks, or net migration."""

from .adjust import Adjusted as Adjusted
from .adjust import Totals as Totals
from .adjust import consistent as consistent
from .names import Names as Names
