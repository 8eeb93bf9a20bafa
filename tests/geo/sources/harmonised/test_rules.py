"""The rules in their order: from rows and polygons to zones and a crosswalk, one smallest case each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from small_country import squares

from geo.errors import DataError, Issue
from geo.sources.harmonised import crosswalk, units
from geo.sources.harmonised.decisions import Decision
from geo.sources.harmonised.history import CodeHistory
from geo.sources.harmonised.links import Census
from geo.sources.harmonised.units import Harmonised, Rules

MAP = {"110101": "东区", "110102": "西区", "110121": "南县", "110122": "北县", "120121": "河县"}
VINTAGE = 2019


@dataclass
class Case:
    """Five squares in a row but for the last, two censuses with a row for each; a test changes what it is about."""

    polygons: dict[str, str] = field(default_factory=lambda: dict(MAP))
    people: dict[int, dict[str, int]] = field(
        default_factory=lambda: {y: dict.fromkeys(MAP, 100) for y in (2010, 2020)}
    )
    mapped: dict[str, float] = field(default_factory=lambda: dict.fromkeys(MAP, 100.0))
    successors: Mapping[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    at_sea: str = ""

    def _parents(self, keys: list[str]) -> dict[str, list[str]]:
        return {"province": [key[:2] for key in keys], "prefecture": [key[:4] for key in keys]}

    def _census(self, year: int) -> Census:
        keys = list(self.people[year])
        columns = {
            "code": [key if key.isdecimal() else "" for key in keys],
            "name": [self.polygons.get(key, key.partition(":")[2] or key) for key in keys],
            **self._parents(keys),
            "line": range(2, len(keys) + 2),
            "people": list(self.people[year].values()),
        }
        return Census(year, f"census_{year}.xlsx", pd.DataFrame(columns, index=pd.Index(keys, name="key")))

    def harmonise(self) -> Harmonised:
        """Apply the rules; whatever they give, everybody stands in the zones once."""
        codes = sorted(self.polygons)
        columns = {"name": [self.polygons[code] for code in codes], **self._parents(codes)}
        index = pd.Index(codes, name="code")
        shapes = [
            shapely.box(125, 30, 126, 31) if code == self.at_sea else square
            for code, square in zip(codes, squares(len(codes)), strict=True)
        ]
        layer = gpd.GeoDataFrame(columns, geometry=shapes, index=index, crs="EPSG:4326")
        mapped = pd.DataFrame({2010: [self.mapped[code] for code in codes]}, index=index)
        censuses = [self._census(year) for year in sorted(self.people)]
        history = CodeHistory(self.successors, {}, {}, "codes.csv")
        result = units.harmonise(layer, mapped, censuses, Rules(history, self.decisions, VINTAGE, 0.05, 0.5))
        people = {census.year: census.rows["people"] for census in censuses}
        assert crosswalk.check(result.crosswalk, people, index, "crosswalk.csv") == []
        for year, counts in people.items():
            lines = result.crosswalk.of(year)
            persons = crosswalk.whole_shares(lines, counts)
            assert persons.groupby(lines["from"]).sum().to_dict() == counts.to_dict()
            assert persons.tolist() == pytest.approx((lines["share"] * lines["from"].map(counts)).tolist(), abs=1e-6)
        return result

    def zones(self) -> list[tuple[str, ...]]:
        return sorted(self.harmonise().crosswalk.members.values())

    def alone(self, *together: str) -> list[tuple[str, ...]]:
        """Every polygon a zone but these, which are one."""
        return sorted([together, *((code,) for code in self.polygons if code not in together)])

    def errors(self) -> list[Issue]:
        with pytest.raises(DataError) as caught:
            self.harmonise()
        return list(caught.value.issues)


def _lines(result: Harmonised, year: int) -> dict[tuple[str, str], tuple[float, str]]:
    lines = result.crosswalk.of(year)
    return {(f, t): (s, r) for f, t, s, r in zip(*(lines[c] for c in ("from", "to", "share", "reason")), strict=True)}


def test_same_codes_are_zones_of_their_own():
    result = Case().harmonise()
    assert result.crosswalk.members == {code: (code,) for code in MAP}
    assert set(result.crosswalk.frame["reason"]) == {"same_code", "map"}
    assert result.merges == result.kept_apart == ()
    assert result.crosswalk.frame.index.tolist() == list(range(2, 2 + 3 * len(MAP)))


def test_two_rows_of_one_polygon():
    case = Case(successors={"110199": ((2012, "110121"),)})
    case.people[2010] |= {"110121": 60, "110199": 40}
    assert _lines(case.harmonise(), 2010)["110199", "110121"] == (1, "code_history")


def test_a_row_divided_by_the_maps_people_makes_no_zone_larger():
    case = Case(successors={"110199": ((2014, "110121"), (2014, "110122"))})
    case.people[2010] |= {"110121": 80, "110199": 120}
    del case.people[2010]["110122"]
    result = case.harmonise()
    assert len(result.crosswalk.members) == len(MAP)
    assert _lines(result, 2010)["110199", "110121"] == (20 / 120, "code_history")
    assert _lines(result, 2010)["110199", "110122"] == (100 / 120, "code_history")


def test_a_row_that_nobody_can_divide_joins_its_polygons():
    case = Case(successors={"110199": ((2014, "110121"), (2014, "110122"))})
    case.people[2010] |= {"110199": 150}
    del case.people[2010]["110121"], case.people[2010]["110122"]
    result = case.harmonise()
    assert result.crosswalk.members["110121"] == ("110121", "110122")
    assert [(merge.reason, merge.year) for merge in result.merges] == [("code_history", 2010)]
    assert "110199" in result.merges[0].detail


def test_the_reason_of_a_merger_is_not_that_a_code_stayed():
    case = Case(successors={"110121": ((2014, "110122"),)})
    del case.people[2010]["110122"]
    case.mapped["110122"] = np.nan
    (merge,) = case.harmonise().merges
    assert (merge.polygons, merge.reason) == (("110121", "110122"), "code_history")


def test_a_polygon_never_counted_joins_the_neighbour_with_the_longest_border():
    case = Case()
    del case.people[2010]["110122"]
    case.mapped["110122"] = np.nan
    assert case.zones() == case.alone("110121", "110122")


def test_an_island_never_counted_stops_until_it_is_decided():
    case = Case(at_sea="120121")
    del case.people[2010]["120121"]
    case.mapped["120121"] = np.nan
    (issue,) = case.errors()
    assert (issue.code, issue.file, issue.value) == ("E-JOIN-UNMATCHED", "census_2010.xlsx", "120121")
    case.decisions = [Decision(VINTAGE, "120121", ("110122",), "the ferry goes there", 2)]
    assert case.zones() == case.alone("110122", "120121")


def test_a_zone_without_residents_is_refused():
    case = Case()
    case.people[2020]["110121"] = 0
    (issue,) = case.errors()
    assert (issue.code, issue.file, issue.value) == ("E-POP-ZERO", "census_2020.xlsx", "110121")


@pytest.mark.parametrize(("people", "reason"), [(10, "development_zone_shared"), (11, "development_zone_merged")])
def test_a_development_zone_of_several_districts(people, reason):
    case = Case()
    case.people[2020]["1101:开发区"] = people
    lines = {to: line for (unit, to), line in _lines(case.harmonise(), 2020).items() if unit == "1101:开发区"}
    shared = {"110101": (0.5, reason), "110102": (0.5, reason)}
    assert lines == (shared if people == 10 else {"110101": (1, reason)})
    assert case.zones() == (case.alone("110101") if people == 10 else case.alone("110101", "110102"))


def test_a_development_zone_of_the_only_district():
    case = Case()
    del case.polygons["110102"], case.people[2010]["110102"], case.people[2020]["110102"], case.mapped["110102"]
    case.people[2020]["1101:开发区"] = 90
    assert _lines(case.harmonise(), 2020)["1101:开发区", "110101"] == (1, "only_polygon")


def test_a_development_zone_of_districts_that_are_one_zone_already():
    case = Case(decisions=[Decision(VINTAGE, "110101", ("110102",), "they exchanged towns", 2)])
    case.people[2020]["1101:开发区"] = 90
    assert _lines(case.harmonise(), 2020)["1101:开发区", "110101"] == (1, "only_polygon")


def test_rows_that_nothing_places_stop_all_together():
    case = Case()
    case.people[2010]["1202:林场"] = 5
    case.people[2020] |= {"1202:林场": 6, "1203:农场": 7}
    found = [(issue.code, issue.file, issue.line, issue.value, issue.people) for issue in case.errors()]
    assert found == [
        ("E-UNPLACED", "census_2010.xlsx", 7, "1202:林场", 5.0),
        ("E-UNPLACED", "census_2020.xlsx", 7, "1202:林场", 6.0),
        ("E-UNPLACED", "census_2020.xlsx", 8, "1203:农场", 7.0),
    ]


def test_a_decision_places_a_row_in_one_polygon_or_joins_several():
    case = Case(decisions=[Decision(2020, "1201:林场", ("110122",), "it lies there", 2)])
    case.people[2020]["1201:林场"] = 50
    assert _lines(case.harmonise(), 2020)["1201:林场", "110122"] == (1, "decision")
    assert case.zones() == case.alone("110122")
    case.decisions = [Decision(2020, "1201:林场", ("110122", "120121"), "it lies in both", 2)]
    assert case.zones() == case.alone("110122", "120121")


def test_a_decision_about_the_map_joins_polygons():
    case = Case(decisions=[Decision(VINTAGE, "110101", ("110102", "110121"), "they exchanged towns", 2)])
    assert case.zones() == case.alone("110101", "110102", "110121")
    assert case.harmonise().merges[0].detail == "they exchanged towns"


@pytest.mark.parametrize(("grown", "apart"), [(160, True), (170, False)])
def test_an_uncounted_transfer_joins_what_grew_apart(grown, apart):
    case = Case(successors={"110121": ((2013, "110122"),)})
    case.people[2020]["110122"] = grown
    result = case.harmonise()
    assert len(result.kept_apart) == (1 if apart else 0)
    assert case.zones() == (case.alone("110121") if apart else case.alone("110121", "110122"))
    assert [merge.reason for merge in result.merges] == ([] if apart else ["uncounted_transfer"])


def test_an_uncounted_transfer_within_a_zone_is_nobodys_concern():
    decided = Decision(VINTAGE, "110121", ("110122",), "they exchanged towns", 2)
    case = Case(successors={"110121": ((2013, "110122"),)}, decisions=[decided])
    assert case.harmonise().kept_apart == ()


def test_a_counted_transfer_is_no_uncounted_one():
    case = Case(successors={"110121": ((2013, "110122"),)})
    case.people[2010] |= {"110121": 130, "110122": 70}
    case.people[2020]["110122"] = 900
    result = case.harmonise()
    assert _lines(result, 2010)["110121", "110122"] == (30 / 130, "code_history")
    assert result.kept_apart == result.merges == ()


def test_a_map_with_another_count_is_refused():
    names = {f"1101{k}": f"{k}县" for k in range(21, 61)}
    people = {year: dict.fromkeys(names, 1000) for year in (2010, 2020)}
    case = Case(names, people, {code: 1000.0 + 50 * (code > "110140") for code in names})
    with pytest.raises(DataError) as caught:
        case.harmonise()
    (issue,) = caught.value.issues
    assert (issue.code, issue.value) == ("E-MAP-RESIDENTS", "20 of 40")


def test_uncounted_polygons_join_a_counted_one_not_one_another():
    case = Case()
    case.people[2010] = {code: people for code, people in case.people[2010].items() if code not in {"110102", "110121"}}
    case.mapped |= {"110102": np.nan, "110121": np.nan}
    case.people[2010]["110101"] = 100
    zones = case.zones()
    assert not any(zone == ("110102", "110121") for zone in zones)
    assert sum(len(zone) for zone in zones) == 5


def test_transfers_inside_a_zone_are_not_left_apart():
    growth = {"110101": 100, "110102": 100, "110121": 400, "110122": 100, "120121": 100}
    case = Case(successors={"110101": ((2012, "110121"), (2013, "110102")), "110102": ((2012, "110121"),)})
    case.people[2020] = growth
    result = case.harmonise()
    assert ("110101", "110102", "110121") in result.crosswalk.members.values()
    assert result.kept_apart == ()
