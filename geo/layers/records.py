"""Which records of a polygon layer make which zone: records left out by name, and several records of one zone."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import Issue, error


@dataclass(frozen=True)
class Checked:
    """Shapes after a check.

    Attributes:
        shapes: The geometries, repaired or moved where that is declared, shape (records,).
        good: Where they passed, bool, shape (records,).
        issues: What was found.
        rules: A sentence for each declared rule that changed something.
    """

    shapes: NDArray[np.object_]
    good: NDArray[np.bool_]
    issues: tuple[Issue, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """Where the records of a layer stand, for messages.

    Attributes:
        file: Base name of the file.
        column: Column with the code.
        codes: Code of each record.
        lines: Number of each record in the file, from 1.
        people: Residents by code.
    """

    file: str
    column: str
    codes: Sequence[str]
    lines: Sequence[int]
    people: Mapping[str, float]

    def issue(self, code: str, record: int, rule: str, fix: str) -> Issue:
        """The error, or warning where the code begins with W, that one record breaks `rule`."""
        severity: Literal["error", "warning"] = "warning" if code.startswith("W") else "error"
        zone = self.codes[record]
        line, people = self.lines[record], self.people.get(zone)
        return Issue(code, severity, self.file, line, self.column, zone, rule, fix, people)

    def counted(self, codes: Sequence[str]) -> str:
        """The people of some zones in brackets, or nothing where nobody knows them."""
        known = [self.people[code] for code in codes if code in self.people]
        return f" ({sum(known):,.0f} people)" if known else ""

    def only(self, records: Sequence[int]) -> "Place":
        """The place of some of the records."""
        codes, lines = [self.codes[at] for at in records], [self.lines[at] for at in records]
        return Place(self.file, self.column, codes, lines, self.people)


def exclude(place: Place, prefixes: Sequence[str]) -> tuple[list[int], list[Issue], list[str]]:
    """Leave out the records whose code begins with one of the prefixes that the config lists.

    Returns:
        The records that stay; W-EXCLUDED for each that goes, and E-EXCLUDE for a prefix that no record has; a
        sentence for each prefix.
    """
    kept = list(range(len(place.codes)))
    issues: list[Issue] = []
    rules: list[str] = []
    for prefix in prefixes:
        gone = [at for at in range(len(place.codes)) if place.codes[at].startswith(prefix)]
        if not gone:
            rule = "no polygon has a code that begins so"
            fix = "remove it from [zones.polygons] exclude, or correct it"
            issues.append(error("E-EXCLUDE", place.file, column=place.column, value=prefix, rule=rule, fix=fix))
            continue
        rule, fix = f'left out: exclude lists "{prefix}"', "none needed: the rule is declared"
        issues += [place.issue("W-EXCLUDED", at, rule, fix) for at in gone if at in set(kept)]
        codes = [place.codes[at] for at in gone]
        rules.append(f'polygons: {len(gone)}{place.counted(codes)} are left out by exclude "{prefix}": {_few(codes)}.')
        kept = [at for at in kept if at not in set(gone)]
    return kept, issues, rules


def repeated(place: Place) -> list[Issue]:
    """Find codes that several records carry (E-CODE-DUP), each record with the places of the others."""
    fix = "declare dissolve = true if they are parts of one zone, or correct the codes"
    issues = []
    for records in _by_code(place).values():
        for record in records if len(records) > 1 else ():
            others = ", ".join(str(place.lines[at]) for at in records if at != record)
            rule = f"a code stands once; it is also at {others}"
            issues.append(place.issue("E-CODE-DUP", record, rule, fix))
    return issues


def dissolve(shapes: NDArray[np.object_], place: Place) -> tuple[NDArray[np.object_], Place, list[str]]:
    """Unite the records that carry the same code.

    Args:
        shapes: Valid polygons, shape (records,).
        place: Their place.

    Returns:
        Polygons, shape (zones,), in the order of the first record of each; their place; a sentence if any united.
    """
    groups = _by_code(place)
    several = {code: records for code, records in groups.items() if len(records) > 1}
    if not several:
        return shapes, place, []
    firsts = [records[0] for records in groups.values()]
    united = np.array(
        [shapes[of[0]] if len(of) == 1 else shapely.union_all(shapes[of]) for of in groups.values()], dtype=object
    )
    rule = (
        f"polygons: {len(several)} zones{place.counted(list(several))} stand in "
        f"{sum(map(len, several.values()))} records, which are united (dissolve = true): {_few(list(several))}."
    )
    return united, place.only(firsts), [rule]


def _by_code(place: Place) -> dict[str, list[int]]:
    """The records of each code; a record without a code stands alone and is reported by the check of codes."""
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for record, code in enumerate(place.codes):
        groups[code or f"record {record}"].append(record)
    return groups


def _few(codes: Sequence[str]) -> str:
    shown = ", ".join(codes[:10])
    return f"{shown} and {len(codes) - 10} more" if len(codes) > 10 else shown
