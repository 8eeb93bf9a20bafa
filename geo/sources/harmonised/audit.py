"""The audit: every decision that made the zones, one line each, with the people concerned."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from . import development
from .files import Files
from .links import Census, Reason
from .units import Harmonised

COLUMNS = ("zone", "name", "year", "decision", "unit", "unit_name", "people", "detail")
LARGE_GROWTH = 0.75
"""Zones with a greater change of the log of residents are listed: an unnoticed change of borders looks like it."""

_Row = tuple[object, ...]
_PLAIN = {str(Reason.SAME_CODE), str(Reason.MAP)}
_WORDS = {
    Reason.NAME: "no code leads to it, its name does",
    Reason.PREDECESSOR: "its code was made from the area of this zone",
    Reason.POPULATION: "it has exactly the residents that the map has here",
    Reason.BORDERS: "by the residents of the map",
    Reason.PROPORTIONAL: "in proportion: several divisions fit the map's residents",
    Reason.MAP_DIFFERS: "the map has another number of residents; the census is believed",
    Reason.ONLY_POLYGON: "the districts of its prefecture are all in this zone",
}


@dataclass(frozen=True)
class Evidence:
    """What is known of the decisions of one build.

    Attributes:
        files: What was read.
        harmonised: Crosswalk, merges and transfers.
        censuses: Units of every census that has a table.
        population: Residents, index zone, one column a census.
    """

    files: Files
    harmonised: Harmonised
    censuses: Sequence[Census]
    population: pd.DataFrame

    @cached_property
    def members(self) -> dict[str, tuple[str, ...]]:
        """Polygons of each zone."""
        return self.harmonised.crosswalk.members

    @cached_property
    def zone_of(self) -> dict[str, str]:
        """Zone of each polygon."""
        return {code: zone for zone, codes in self.members.items() for code in codes}

    @cached_property
    def names(self) -> dict[str, str]:
        """Name of each polygon."""
        return dict(self.files.map.units["name"])

    @cached_property
    def reasons(self) -> dict[tuple[int, str], str]:
        """Reason of each decision, by year and unit."""
        return {(decision.year, decision.unit): decision.reason for decision in self.files.decisions}

    @property
    def vintage(self) -> int:
        """Year of the map."""
        return self.harmonised.crosswalk.vintage

    @property
    def given(self) -> str:
        """Detail of a line that the given crosswalk decided, empty where the rules made it."""
        return f"from {self.files.given_file}" if self.files.given_file else ""


def table(evidence: Evidence) -> pd.DataFrame:
    """List what was decided: columns `COLUMNS`, sorted by zone and year."""
    rows = [line for census in evidence.censuses for line in _of_census(evidence, census)]
    rows += _of_map(evidence) + _merged(evidence) + _kept_apart(evidence) + _spanning(evidence)
    rows += _large_growth(evidence.population) + _corrected(evidence)
    frame = pd.DataFrame(rows, columns=["zone", "year", "decision", "unit", "unit_name", "people", "detail"])
    # The rules name a zone by the code of its first polygon; a given crosswalk may use another.
    names = {zone: evidence.names[codes[0]] for zone, codes in evidence.members.items()}
    frame.insert(1, "name", frame["zone"].map(names))
    return frame.sort_values(["zone", "year", "decision"], ignore_index=True)[list(COLUMNS)]


def _notable_lines(evidence: Evidence, year: int) -> list[tuple[str, str, float, str]]:
    """Give unit, zone, share and reason of the lines of a year, without those of an unchanged code."""
    lines = evidence.harmonised.crosswalk.of(year)
    return [
        (unit, zone, share, reason)
        for unit, zone, share, reason in zip(lines["from"], lines["to"], lines["share"], lines["reason"], strict=True)
        if reason not in _PLAIN or share < 1 or unit not in evidence.members[zone]
    ]


def _of_census(evidence: Evidence, census: Census) -> list[_Row]:
    rows: list[_Row] = []
    for unit, zone, share, reason in _notable_lines(evidence, census.year):
        people = round(share * census.people[unit])
        detail = [] if share == 1 else [f"{share:.6f} of its residents"]
        detail += [evidence.given] if evidence.given else _why(evidence, census, unit, zone, reason)
        rows.append((zone, census.year, reason, unit, census.names[unit], people, "; ".join(filter(None, detail))))
    return rows


def _of_map(evidence: Evidence) -> list[_Row]:
    """List the lines of censuses that only the map knows, which only a given crosswalk has."""
    tabled, residents = {census.year for census in evidence.censuses}, evidence.files.map.residents
    rows: list[_Row] = []
    for year in set(residents.columns.astype(int)) - tabled:
        mapped = residents[year].astype(np.float64).to_dict()
        for unit, zone, share, reason in _notable_lines(evidence, year):
            rows.append((zone, year, reason, unit, evidence.names[unit], round(share * mapped[unit]), evidence.given))
    return rows


def _why(evidence: Evidence, census: Census, unit: str, zone: str, reasons: str) -> list[str]:
    """Say in words why the rules put a unit into a zone."""
    texts = []
    for reason in map(Reason, reasons.split("+")):
        match reason:
            case Reason.DECISION:
                texts.append(evidence.reasons.get((census.year, unit), ""))
            case Reason.CODE_HISTORY:
                texts.append(_change(evidence, census, unit, zone))
            case Reason.ZONE_MERGED | Reason.ZONE_SHARED:
                texts.append(_districts_of(evidence, str(census.rows.at[unit, "prefecture"]), zone, reason))
            case _:
                texts.append(_WORDS.get(reason, ""))
    return texts


def _change(evidence: Evidence, census: Census, unit: str, zone: str) -> str:
    """Name the last change of codes on the way from a unit to the polygons of its zone, or back from a newer census."""
    unit_code, polygons = [str(census.rows.at[unit, "code"])], list(evidence.members[zone])
    older, newer = (unit_code, polygons) if census.year < evidence.vintage else (polygons, unit_code)
    first, last = sorted((census.year, evidence.vintage))
    history = evidence.files.history
    changes = [
        (year, before, code)
        for code in newer
        for year, before in history.predecessors.get(code, ())
        if first <= year <= last
        and before != code
        and (before in older or any(history.after(start, (first, year), {before}) for start in older))
    ]
    return "{}: {} to {}".format(*max(changes)) if changes else ""


def _districts_of(evidence: Evidence, prefecture: str, zone: str, reason: Reason) -> str:
    """Name the districts of a zone that a development zone was cut out of."""
    near = development.districts(evidence.files.map.units, prefecture)
    districts = ";".join(code for code in near if code in evidence.members[zone])
    if reason is Reason.ZONE_MERGED:
        return f"cut out of {districts}, which are one zone for it"
    return f"shared out by residents, this part to {districts}"


def _merged(evidence: Evidence) -> list[_Row]:
    """List what made one zone of several polygons."""
    merges: list[tuple[int, str, tuple[str, ...], str]] = [
        (merge.year, str(merge.reason), merge.polygons, merge.detail) for merge in evidence.harmonised.merges
    ]
    if evidence.given:
        several = [codes for codes in evidence.members.values() if len(codes) > 1]
        merges = [(evidence.vintage, "crosswalk", codes, evidence.given) for codes in several]
    rows: list[_Row] = []
    for year, reason, codes, detail in merges:
        names = "、".join(evidence.names[code] for code in codes)
        rows.append((evidence.zone_of[codes[0]], year, f"merged:{reason}", ";".join(codes), names, None, detail))
    return rows


def _kept_apart(evidence: Evidence) -> list[_Row]:
    """List the uncounted parts that passed between zones."""
    names, rows = evidence.names, list[_Row]()
    for part in evidence.harmonised.kept_apart:
        detail = f"a part passed to {part.gainer} {names[part.gainer]}, uncounted; both have grown alike"
        zone = evidence.zone_of[part.loser]
        rows.append((zone, part.year, "uncounted_transfer_left", part.loser, names[part.loser], None, detail))
    return rows


def _spanning(evidence: Evidence) -> list[_Row]:
    """List the zones with polygons of several prefectures; each is under that of its largest polygon."""
    prefecture_of, rows = dict(evidence.files.map.units["prefecture"]), list[_Row]()
    for zone, codes in evidence.members.items():
        prefectures = sorted({str(prefecture_of[code]) for code in codes})
        if len(prefectures) > 1:
            detail = f"prefectures {';'.join(prefectures)}"
            rows.append((zone, evidence.vintage, "spans_prefectures", ";".join(codes), None, None, detail))
    return rows


def _large_growth(population: pd.DataFrame) -> list[_Row]:
    """List the zones whose residents changed by more than `LARGE_GROWTH` between the last two censuses."""
    years = sorted(population.columns.astype(int))
    if len(years) == 1:
        return []
    first, last = years[-2:]
    with np.errstate(divide="ignore", invalid="ignore"):
        growth = pd.Series(np.log(population[last] / population[first]), index=population.index)
    return [
        (zone, last, "large_growth", zone, None, population.at[zone, last], f"{change:+.2f} in log since {first}")
        for zone, change in growth[growth.abs() > LARGE_GROWTH].items()
    ]


def _corrected(evidence: Evidence) -> list[_Row]:
    """List the cells of the year-books that were corrected, under the first zone their unit went to."""
    rows: list[_Row] = []
    for year, book in evidence.files.books.items():
        lines = evidence.harmonised.crosswalk.of(year).drop_duplicates("from")
        zone_of = dict(zip(lines["from"], lines["to"], strict=True))
        for cell in book.corrections.to_dict("records"):
            detail = f"line {cell['line']}, {cell['column']}: {cell['found']} read as {cell['used']}: {cell['reason']}"
            key = str(cell["key"])
            rows.append((zone_of.get(key, ""), year, "corrected_cell", key, None, None, detail))
    return rows
