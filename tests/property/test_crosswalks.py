"""Censuses on moving borders, and crosswalks bent by hand: a coded error, or every resident in exactly one zone."""

import csv
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import random_country
import shapely
from hypothesis import example, given
from hypothesis import strategies as st
from properties import Tally, cases
from random_country import COUNTRIES, VINTAGE, YEARS, Country

from geo.errors import DataError, Issue
from geo.sources.harmonised import carried, crosswalk, places
from geo.sources.harmonised.carried import CensusOnZones
from geo.sources.harmonised.crosswalk import Crosswalk

pytestmark = pytest.mark.fuzz


def faults(walk: Crosswalk, censuses: list[Any], country: Country) -> list[Issue]:
    """What the check of a crosswalk finds."""
    people = random_country.people_of(censuses, random_country.mapped(country))
    return crosswalk.check(walk, people, pd.Index(country.codes), "crosswalk.csv")


def carry(walk: Crosswalk, censuses: list[Any], country: Country) -> CensusOnZones:
    """Check a crosswalk and carry everybody by it, as the source does."""
    issues = faults(walk, censuses, country)
    if issues:
        raise DataError(issues)
    zones, on_map = pd.Index(sorted(walk.members), name="zone"), random_country.mapped(country)
    return carried.carry(walk, {each.year: random_country.table(each) for each in censuses}, on_map, zones)


def check(walk: Crosswalk, on_zones: CensusOnZones, censuses: list[Any], country: Country) -> None:
    """Compare the zones with the rows of the censuses and with the map."""
    members = walk.members
    assert sorted(code for codes in members.values() for code in codes) == sorted(country.codes)
    shares = walk.frame["share"].to_numpy()
    assert ((shares > 0) & (shares <= 1)).all()
    for each in censuses:
        population = on_zones.population[each.year]
        assert (population >= 0).all()
        assert (population == np.floor(population)).all()
        assert int(population.sum()) == sum(each.people.values())
        lines = walk.of(each.year)
        sums = lines.groupby("from")["share"].sum()
        assert set(sums.index) == set(each.rows.index)
        assert np.abs(sums - 1).max() <= 1e-9
        households = on_zones.quantities["households"].sel(year=each.year).sum().item()
        assert math.isclose(households, sum(each.people.values()) / 3, rel_tol=1e-9, abs_tol=1e-9)
    check_map_years(walk, on_zones, country)
    map_shapes = random_country.polygons(country)
    zones = places.outlines(map_shapes, members)
    assert shapely.is_valid(zones.geometry.to_numpy()).all()
    assert math.isclose(
        shapely.area(zones.geometry.to_numpy()).sum(), shapely.area(map_shapes.geometry.to_numpy()).sum()
    )


def check_map_years(walk: Crosswalk, on_zones: CensusOnZones, country: Country) -> None:
    """Compare the zones with the residents that the map alone knows.

    A zone is counted if all its polygons are, and if the crosswalk sends any of them to it.
    """
    on_map = random_country.mapped(country)
    for year in set(on_map) - set(YEARS):
        lines, population = walk.of(year), on_zones.population[year]
        persons = lines["share"].astype(np.float64) * lines["from"].map(on_map[year])
        for zone, people in population.items():
            members = list(walk.members[str(zone)])
            if on_map.loc[members, year].isna().any() or not (lines["to"] == zone).any():
                assert math.isnan(people)
            else:
                assert abs(people - persons[lines["to"] == zone].sum()) < len(lines)
        assert population.isna().any() or int(population.sum()) == int(on_map[year].sum())


def test_harmonising_is_refused_or_nobody_is_lost() -> None:
    tally = Tally()

    @given(COUNTRIES)
    @example(Country(edits={2020: (("zone", "1101", 7), ("zone", "1102", 300))}))
    @example(Country(edits={2010: (("join", 0, 1), ("move", 2, 3, 40)), 2020: ()}))
    @cases(250)
    def case(country: Country) -> None:
        def build() -> tuple[Crosswalk, CensusOnZones, list[Any]]:
            walk, censuses = random_country.harmonise(country)
            # Of the rules' own crosswalk nobody may be missing; a unit without residents has none to miss.
            assert not any(issue.people for issue in faults(walk, censuses, country))
            return walk, carry(walk, censuses, country), censuses

        result = tally.run(build)
        if result is not None:
            check(result[0], result[1], result[2], country)

    case()
    tally.check(250, 0.05)


HEADER = ("from", "to", "share", "year", "reason")
_line, _text = st.integers(0, 60), st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4)
_cells = [
    "",
    "0",
    "1",
    "1.0",
    "0.5",
    "1e-9",
    "1.0000000001",
    "0.9999999999",
    "-1",
    "nan",
    "inf",
    "2010",
    "2020",
    "2019",
]
_cells += ["2000", "1999", "110101", "110102", "120101", "999999", "１", "0.5%", "1,0", "110101 ", "20200"]
_EDITS = st.one_of(
    st.tuples(st.just("split"), _line, _line, st.sampled_from(["0.5", "0.1", "0.25", "1e-6", "0.333333333333"])),
    st.tuples(st.just("split"), _line, _line, st.floats(1e-6, 1 - 1e-6).map(repr)),
    st.tuples(st.just("cell"), _line, st.integers(0, 4), st.sampled_from(_cells) | _text),
    st.tuples(st.just("share"), _line, st.floats(0.999, 1.001).map(repr)),
    st.tuples(st.sampled_from(["drop", "copy", "halve"]), _line),
    st.tuples(st.sampled_from(["swap", "join_zones"]), _line, _line),
)
BASE = Country(
    people=tuple((37 * at + 11, 5 * at) for at in range(12)),
    edits={2010: (("join", 0, 1),), 2020: (("zone", "1101", 5), ("part", 4, 2, 9))},
    changes=((0, 2012, 1), (4, 2015, 10)),
    mapped=((2000, 2010), frozenset((7,))),
)


def bend(lines: list[list[str]], edits: list[Any]) -> list[list[str]]:
    """Edit a crosswalk as a person might, well or badly."""
    bent = [list(line) for line in lines]
    for kind, first, *rest in edits:
        if len(bent) < 2:
            break
        at = first % len(bent)
        line = bent[at]
        other = bent[rest[0] % len(bent)] if kind in ("split", "swap", "join_zones") else line
        if kind == "split":
            with_other = [line[0], other[1], str(Decimal(1) - Decimal(rest[1])), line[3], "by hand"]
            bent[at : at + 1] = [[*line[:2], rest[1], *line[3:]], with_other]
        elif kind == "cell":
            line[rest[0]] = rest[1]
        elif kind == "share":
            line[2] = rest[0]
        elif kind == "drop":
            del bent[at]
        elif kind == "copy":
            bent.append(list(line))
        elif kind == "halve":
            bent[at : at + 1] = [[*line[:2], "0.5", *line[3:]] for _ in range(2)]
        elif kind == "swap":
            bent[at], bent[rest[0] % len(bent)] = other, line
        elif kind == "join_zones":
            old, new = line[1], other[1]
            bent = [[each[0], new if each[1] == old else each[1], *each[2:]] for each in bent]
    return bent


def check_lines(walk: Crosswalk, censuses: list[Any]) -> None:
    """Every line has its share of the people of its unit, rounded up or down, and the lines of a unit have all."""
    for each in censuses:
        lines = walk.of(each.year)
        persons = crosswalk.whole_shares(lines, each.rows["people"])
        for unit, share, count in zip(lines["from"], lines["share"], persons, strict=True):
            assert count >= 0
            assert abs(Decimal(share) * each.people[unit] - int(count)) < 1
        sums = persons.groupby(lines["from"]).sum()
        assert sums.to_dict() == {unit: sums[unit] for unit in sums.index} == each.people


def test_a_bent_crosswalk_is_refused_or_nobody_is_lost(tmp_path: Path) -> None:
    tally = Tally()
    walk, censuses = random_country.harmonise(BASE)
    sound = [[str(cell) for cell in line] for line in walk.frame[list(HEADER)].itertuples(index=False)]

    @given(st.lists(_EDITS, max_size=3))
    @cases(200)
    def case(edits: list[Any]) -> None:
        with (tmp_path / "crosswalk.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([HEADER, *bend(sound, edits)])

        def build() -> tuple[Crosswalk, CensusOnZones]:
            edited = crosswalk.read(tmp_path / "crosswalk.csv", VINTAGE)
            return edited, carry(edited, censuses, BASE)

        result = tally.run(build)
        # A polygon in two zones is not yet refused: the test below says so.
        if result is not None:
            check(*result, censuses, BASE)
            check_lines(result[0], censuses)

    case()
    tally.check(200, 0.05)


def test_a_polygon_in_two_zones_is_refused() -> None:
    walk, censuses = random_country.harmonise(BASE)
    halves = walk.frame[(walk.frame["year"] == VINTAGE) & (walk.frame["from"] == "110103")].assign(share=0.5)
    rest = walk.frame.drop(index=halves.index)
    frame = pd.concat([rest, halves, halves.assign(to="110201")], ignore_index=True)
    with pytest.raises(DataError):
        carry(Crosswalk(frame, VINTAGE), censuses, BASE)
