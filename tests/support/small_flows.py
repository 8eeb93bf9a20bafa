"""A flow table of three zones that a test bends before it is written: rows of text, zones, and both sections."""

import copy
import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest

from geo import flows
from geo.config import FlowTables
from geo.errors import DataError, Issue

HEADER = ["from", "to", "people", "km", "cases", "size_o", "size_d", "border"]
# All pairs but C to A, and one within A.
ROWS = [
    ["A", "B", "20", "100", "10", "1000", "2000", "1"],
    ["A", "C", "5", "200", "4", "1000", "3000", "0"],
    ["B", "A", "12", "100", "6", "2000", "1000", "1"],
    ["B", "C", "30", "150", "15", "2000", "3000", "1"],
    ["C", "B", "8", "150", "4", "3000", "2000", "1"],
    ["A", "A", "70", "0", "35", "1000", "1000", "0"],
]
ZONES_HEADER = ["id", "lon", "lat", "population", "left", "came"]
ZONES = [
    ["A", "0", "0", "1000", "25", "12"],
    ["B", "1", "0", "2000", "42", "28"],
    ["C", "0", "1", "3000", "8", "35"],
]
FLOWS = {"file": "flows.csv", "origin": "from", "destination": "to", "flow": "people", "absent_pairs": "zero"}
MATRIX = [["", "A", "B", "C"], ["A", "70", "20", "5"], ["B", "12", "0", "30"], ["C", "", "8", "0"]]
MATRIX_FLOWS = {"file": "flows.csv", "layout": "matrix", "absent_pairs": "zero"}


@dataclass
class SmallFlows:
    """The files and the config of one test."""

    folder: Path
    table: list[list[str]] = field(default_factory=lambda: [HEADER[:], *copy.deepcopy(ROWS)])
    zone_table: list[list[str]] = field(default_factory=lambda: [ZONES_HEADER[:], *copy.deepcopy(ZONES)])
    flows: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(FLOWS))
    zones: dict[str, Any] | None = None

    def with_zones(self, **keys: Any) -> Self:
        """Name the table of zones in the config."""
        self.zones = {"file": "zones.csv", "id": "id", "lon": "lon", "lat": "lat", **keys}
        return self

    def as_matrix(self, **keys: Any) -> Self:
        """Take the matrix instead of the rows."""
        self.table, self.flows = copy.deepcopy(MATRIX), {**MATRIX_FLOWS, **keys}
        return self

    def set(self, line: int, column: str, text: str) -> None:
        """Write one cell of the flow table; the header is line 1."""
        self.table[line - 1][self.table[0].index(column)] = text

    def set_zone(self, line: int, column: str, text: str) -> None:
        """Write one cell of the zones."""
        self.zone_table[line - 1][self.zone_table[0].index(column)] = text

    def write(self, name: str, rows: Sequence[Sequence[str]]) -> None:
        """Write one CSV file."""
        with (self.folder / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)

    def write_both(self) -> None:
        """Write the flow table and the zones."""
        self.write("flows.csv", self.table)
        self.write("zones.csv", self.zone_table)

    def read(
        self, origin: Sequence[str] = (), destination: Sequence[str] = (), pair: Sequence[str] = ()
    ) -> "flows.FlowData":
        """Write both tables and read them as a script would."""
        self.write_both()
        tables = FlowTables.read({"flows": self.flows, "zones": self.zones}, self.folder)
        return flows.read(tables.flows, tables.zones, origin, destination, pair)

    def errors(self, *columns: Sequence[str]) -> list[Issue]:
        """Give the errors that come of it, each with file, rule and fix."""
        with pytest.raises(DataError) as caught:
            self.read(*columns)
        errors = [issue for issue in caught.value.issues if issue.severity == "error"]
        assert all(issue.file and issue.rule and issue.fix for issue in errors)
        return errors

    def only(self, code: str, *columns: Sequence[str]) -> Issue:
        """Give the one error there is, which has this code."""
        errors = self.errors(*columns)
        assert [issue.code for issue in errors] == [code]
        return errors[0]
