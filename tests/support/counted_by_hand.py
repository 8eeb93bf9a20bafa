"""An own reader of a table of text, in plain Python and decimal numbers: who is written in which zone."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import xarray as xr

_WIDE = {chr(0xFF10 + digit): str(digit) for digit in range(10)} | {
    "．": ".",
    "，": ",",
    "＋": "+",
    "－": "-",
    "−": "-",
}
_HALF = Decimal("0.5")
# A population is read to the sixth decimal: less than this is no part of a person.
_NOBODY = Decimal("0.0000005")


@dataclass(frozen=True)
class Declared:
    """What the reader may believe.

    Attributes:
        thousands: Separator between groups of three digits.
        missing: Texts for an unknown number.
        unit: Persons in one of the unit.
        fractional: Whether fractions of a person are made whole within a province.
        totals: Whether rows that add up others may stand in the table.
        decimal_codes: Whether "110101.0" is a code.
    """

    thousands: str | None
    missing: frozenset[str]
    unit: int
    fractional: bool
    totals: bool
    decimal_codes: bool


def number(text: str, thousands: str | None) -> Decimal | None:
    """The number a cell writes; None where a person would have to guess."""
    plain = "".join(_WIDE.get(mark, mark) for mark in text)
    if thousands and thousands in plain:
        head, *groups = plain.partition(".")[0].split(thousands)
        if any(len(group) != 3 or not group.isdecimal() for group in groups) or not 1 <= len(head.lstrip("+-")) <= 3:
            return None
        plain = plain.replace(thousands, "")
    if not plain or set(plain) - set("0123456789+-.eE"):
        return None
    try:
        return Decimal(plain)
    except InvalidOperation:
        return None


class Written:
    """What stands in the table: zones, and rows that are none."""

    def __init__(self, grid: Sequence[Sequence[str]], declared: Declared, zones: Sequence[str]) -> None:
        header, *rows = [[cell.strip() for cell in row] for row in grid]
        self.declared, self.header = declared, header
        used = [row for row in rows if any(row)]
        assert all(len(row) == len(header) for row in used)
        by_code = [(self._code(row), row) for row in used]
        self.zones = {code: row for code, row in by_code if code in zones}
        assert sorted(code for code, _ in by_code if code in zones) == sorted(zones)
        self.others = [row for code, row in by_code if code not in zones]

    def column(self, name: str) -> int:
        """Where the column of a name stands: there is exactly one."""
        assert self.header.count(name) == 1
        return self.header.index(name)

    def _code(self, row: Sequence[str]) -> str:
        code = row[self.column("code")]
        whole, point, rest = code.partition(".")
        return whole if self.declared.decimal_codes and point and rest and not rest.strip("0") else code

    def text(self, zone: str, column: str) -> str:
        """A cell of a zone."""
        return self.zones[zone][self.column(column)]

    def value(self, row: Sequence[str], column: str) -> Decimal | None:
        """The number of a cell, None where it is blank or declared missing; a cell that is neither is a lie."""
        text = row[self.column(column)]
        if not text or text in self.declared.missing:
            return None
        found = number(text, self.declared.thousands)
        assert found is not None, f"{text!r} was read as a number"
        return found

    def persons(self, row: Sequence[str], column: str) -> Decimal:
        """The people of a row; every row has some number of them."""
        found = self.value(row, column)
        assert found is not None, "nobody said how many"
        assert found >= 0
        return found * self.declared.unit

    def check_people(self, dataset: xr.Dataset, columns: Mapping[int, str], provinces: Mapping[str, str]) -> None:
        """The people of every zone and of all are those written, to the person; so are the totals left out."""
        for year, column in columns.items():
            written = {zone: self.persons(row, column) for zone, row in self.zones.items()}
            built = dataset["population"].sel(year=year)
            found = {zone: Decimal(count) for zone, count in zip(built["zone"].values, built.values, strict=True)}
            assert all(count == int(count) for count in found.values())
            whole = all(abs(count - round(count)) <= _NOBODY for count in written.values())
            if whole:
                assert found == {zone: round(count) for zone, count in written.items()}
                assert Decimal(float(built.sum())) == sum(map(round, written.values()))
            else:
                assert self.declared.fractional
                _check_rounded(written, found, provinces)
        assert self.declared.totals or not self.others
        for row in self.others:
            self._check_total(row, columns)

    def _check_total(self, row: Sequence[str], columns: Mapping[int, str]) -> None:
        """A row that is no zone adds up a province, a prefecture, all or nobody, but for rounded units."""
        margin = _HALF + (10 * self.declared.unit if self.declared.unit > 1 or self.declared.fractional else 0)
        groups = [
            [part for zone, part in self.zones.items() if zone.startswith(start)] for start in _starts(self.zones)
        ]
        assert any(
            all(
                abs(self.persons(row, of) - sum(self.persons(p, of) for p in parts)) <= margin
                for of in columns.values()
            )
            for parts in [*groups, []]
        )

    def check_numbers(self, dataset: xr.Dataset, name: str, columns: Sequence[str], unit: float) -> None:
        """The numbers of the zones are those written, or filled by a declared rule and said to be."""
        numbers = zip(dataset["zone"].values, dataset[name].values, dataset["imputed"].values, strict=True)
        for zone, built, imputed in numbers:
            parts = [self.value(self.zones[zone], column) for column in columns]
            assert math.isfinite(built)
            if None in parts:
                assert imputed == 1
                continue
            first, *rest = (float(part) for part in parts if part is not None)
            expected = first * unit / (rest[0] if rest else 1.0)
            assert math.isclose(built, expected, rel_tol=1e-12, abs_tol=1e-300)


def _starts(zones: Mapping[str, object]) -> set[str]:
    return {zone[:digits] for zone in zones for digits in (0, 2, 4)}


def _check_rounded(written: Mapping[str, Decimal], found: Mapping[str, Decimal], provinces: Mapping[str, str]) -> None:
    """Fractions are rounded up or down, and the people of a province are the nearest whole number of them."""
    for zone, count in written.items():
        assert abs(found[zone] - count) < 1
    for province in set(provinces.values()):
        exact = sum(count for zone, count in written.items() if provinces[zone] == province)
        whole = sum(count for zone, count in found.items() if provinces[zone] == province)
        assert abs(whole - exact) <= _HALF + 10 * _NOBODY
