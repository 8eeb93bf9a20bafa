"""Flows nearest to a prior table that have target totals: outflows, inflows, sums of blocks, or net migration."""

from .adjust import Adjusted as Adjusted
from .adjust import nearest_table as nearest_table
from .checks import Names as Names
from .checks import Totals as Totals
