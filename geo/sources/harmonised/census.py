"""The units of one census as the rules see them."""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd


@dataclass(frozen=True)
class Census:
    """The units of one census.

    Attributes:
        year: Its year.
        file: Base name of its table, for messages.
        rows: Index key; columns code, name, province, prefecture, line, people (whole residents).
    """

    year: int
    file: str
    rows: pd.DataFrame

    @cached_property
    def people(self) -> dict[str, int]:
        """Residents by unit."""
        return {str(key): int(count) for key, count in self.rows["people"].items()}

    @cached_property
    def lines(self) -> dict[str, int]:
        """Line of each unit in the table."""
        return {str(key): int(line) for key, line in self.rows["line"].items()}

    @cached_property
    def names(self) -> dict[str, str]:
        """Names by unit."""
        return {str(key): str(name) for key, name in self.rows["name"].items()}
