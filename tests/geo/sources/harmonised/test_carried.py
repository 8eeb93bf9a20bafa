"""Censuses carried to zones against plain loops, and what a run asks of them: shares, means, differences."""

import itertools
import json
import math

import numpy as np
import pandas as pd
import pytest
from small_country import SmallCountry

from geo import config as zones_config
from geo.errors import DataError
from geo.sources import yearbooks
from geo.sources.harmonised import carried
from geo.sources.harmonised.crosswalk import Crosswalk
from geo.sources.yearbooks import DIMENSIONS, QUANTITIES

HOUSING, BIRTHS, HOUSEHOLDS = "人均住房建筑面积（平方米/人）", "出生率（‰）", "户数"
DIVIDED = ("110102", "110104")  # zones that hold parts of 老区


@pytest.fixture
def country(tmp_path):
    """The small country with means that differ, and cells that nobody knows."""
    country = SmallCountry(tmp_path)
    places = [name for name, *_ in country.books[2010]]
    country.bent[2010] |= {(name, HOUSING): 20.0 + at for at, name in enumerate(places)}
    country.bent[2010] |= {(name, BIRTHS): 8.0 + at / 2 for at, name in enumerate(places)}
    country.bent[2010]["老区", HOUSING] = None
    # Two unknown counts below one total: the total tells neither.
    country.bent[2010] |= {("东区", HOUSEHOLDS): None, ("南县", HOUSEHOLDS): None}
    return country


@pytest.fixture
def all_of_it(country):
    """Source, year-books, and the shares of whole persons of each line by year."""
    source = country.build()
    config = zones_config.parse(country.section, country.folder)
    books = {year: yearbooks.read(book, year) for year, book in config.census.items()}
    return source, books, Crosswalk(source.tables["crosswalk.csv"], 2019)


def _persons(walk, year, people):
    """Persons of each line; every share of the small country but the rounded ones is of whole persons."""
    return [
        (unit, zone, round(share * people[unit]))
        for unit, zone, share in zip(*(walk.of(year)[name] for name in ("from", "to", "share")), strict=True)
    ]


def _twin(book, walk, zone, name, at):
    """One cell of one quantity in one zone, by plain loops over the lines."""
    quantity, people = QUANTITIES[name], book.places["people"]
    cells = book.quantities[name].sel(at)
    total, weights = 0.0, 0.0
    for unit, to, persons in _persons(walk, book.year, people):
        if to != zone:
            continue
        value, share = float(cells.sel(row=unit)), persons / people[unit]
        if quantity.kind == "count":
            total += share * value
            continue
        asked = [quantity.weight] if quantity.weight != "education" else []
        if asked:
            weight = float(book.quantities[asked[0]].sel(row=unit))
        else:
            levels = [level for level in DIMENSIONS["level"] if level != "preschool" or book.year == 2020]
            weight = float(book.quantities["education"].sel(row=unit, level=levels).sum(skipna=False))
        total, weights = total + share * value * weight, weights + share * weight
    return total if quantity.kind == "count" else total / weights


def test_every_quantity_goes_the_way_of_its_people(all_of_it):
    source, books, walk = all_of_it
    compared = 0
    for (year, book), name in itertools.product(books.items(), QUANTITIES):
        if name == "residents" or name not in book.quantities or name in carried.RATES:
            continue
        dims = QUANTITIES[name].dims
        for labels in itertools.product(*([DIMENSIONS[dim][0], DIMENSIONS[dim][-1]] for dim in dims)):
            at = dict(zip(dims, labels, strict=True))
            ours = source.censuses[f"census_{name}"].sel(year=year, **at)
            for zone in source.population.index:
                assert float(ours.sel(zone=zone)) == pytest.approx(
                    _twin(book, walk, zone, name, at), rel=1e-12, abs=1e-9, nan_ok=True
                ), (year, name, at, zone)
                compared += 1
    assert compared == 480


def test_counts_of_all_zones_are_those_of_all_places(all_of_it):
    source, books, _ = all_of_it
    for year, book in books.items():
        for name, quantity in QUANTITIES.items():
            if quantity.kind == "count" and name != "residents" and name in book.quantities:
                ours = source.censuses[f"census_{name}"].sel(year=year).sum("zone", skipna=False)
                theirs = book.quantities[name].sum("row", skipna=False)
                np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_what_is_unknown_stays_unknown_where_it_is_needed_and_nowhere_else(all_of_it):
    source, _, _ = all_of_it
    of = source.censuses.sel(year=2010)
    zones = np.array(source.population.index)
    assert zones[of["census_housing_area"].isnull()].tolist() == list(DIVIDED)
    assert zones[of["census_households"].isnull()].tolist() == ["110101", "110103"]
    assert of["census_urban"].notnull().all()
    assert source.censuses["census_births"].sel(year=2020).isnull().all()  # the later book keeps none
    assert source.censuses["census_urban"].sel(year=2000).isnull().all()


def test_births_are_the_rate_times_the_residents(all_of_it):
    source, books, _ = all_of_it
    book = books[2010]
    births = float((book.quantities["birth_rate"] * book.places["people"].to_numpy()).sum()) / 1000
    assert float(source.censuses["census_births"].sel(year=2010).sum()) == pytest.approx(births, rel=1e-12)
    told = source.censuses["census_births"].attrs
    assert (told["kind"], told["units"]) == ("count", "persons")
    assert told["long_name"] == "births in the year before the census"
    assert "twelve months before" in json.loads(told["definition"])["2010"]
    merged = source.zones.loc["120101", "birth_rate"]  # 上区 at 12 per mille, 下区 at 12.5
    assert merged == pytest.approx((6 * 12.0 + 8 * 12.5) / 14 / 1000, rel=1e-12)


def test_share_of_residents_whose_make_up_is_another_units(all_of_it):
    source, _, _ = all_of_it
    divided = source.censuses["population_divided"].sel(year=2010).to_series()
    assert divided[divided > 0].to_dict() == {"110102": 2 / 12, "110104": 1.0}
    later = source.censuses["population_divided"].sel(year=2020).to_series()
    assert later["110101"] == 9 / source.population.at["110101", 2020]
    assert (later.index[later > 0] == ["110101", "110102", "110103", "110104"]).all()


def test_counts_say_that_they_have_fractions(all_of_it):
    source, _, _ = all_of_it
    for name, variable in source.censuses.data_vars.items():
        if name.startswith("census_"):
            assert ("divided" in variable.attrs) == (variable.attrs["kind"] == "count"), name


def test_a_line_that_is_written_in_two_halves_divides_nobody(country):
    frame = country.build().tables["crosswalk.csv"]
    country.section["harmonise"] = {"codes": "codes.csv", "crosswalk": "crosswalk.csv"}
    half = (frame["from"] == "110221") & (frame["year"] == 2010)
    frame.loc[half, "share"] = 0.5
    pd.concat([frame, frame[half]]).to_csv(country.folder / "crosswalk.csv", index=False)
    divided = country.build().censuses["population_divided"].sel(year=2010, zone="110221")
    assert float(divided) == 0


def test_what_is_asked_of_the_censuses(country):
    country.section["covariates"] = {
        "young": {"quantity": "residents_by_age", "select": ["0", "1-4"], "per": "residents", "year": 2010},
        "more_urban": {"quantity": "urban", "per": "residents", "change": (2010, 2020)},
        "farming": {"quantity": "employed", "select": ["agriculture"], "per": "employed", "year": 2020},
        "housing": {"quantity": "housing_area", "year": 2010, "missing": "province_mean"},
    }
    source = country.build()
    asked = source.covariates
    np.testing.assert_allclose(asked["young"], 4 / 38, rtol=1e-12)
    np.testing.assert_allclose(asked["more_urban"], 0.0, atol=1e-12)
    np.testing.assert_allclose(asked["farming"], 1 / 20, rtol=1e-12)
    known = source.censuses["census_housing_area"].sel(year=2010).to_series()
    np.testing.assert_array_equal(asked["housing"][known.notna()], known.dropna())
    people, province = source.population[2010], source.zones["province"] == "11"
    near = province & known.notna()
    mean = math.fsum(known[near] * people[near]) / math.fsum(people[near])
    np.testing.assert_allclose(asked.loc[list(DIVIDED), "housing"], mean, rtol=1e-12)
    assert source.zones["imputed"].to_numpy().nonzero()[0].tolist() == [1, 3]
    assert source.rules[-1].startswith("housing: 2 ")
    assert f"({people[list(DIVIDED)].sum():,.0f} people in 2010)" in source.rules[-1]


@pytest.mark.parametrize(
    ("of", "mixed"),
    [
        ({"quantity": "schooling"}, {"*"}),
        ({"quantity": "schooling_levels"}, set()),
        ({"quantity": "in_migrants", "select": ["other_county"]}, {"other_county"}),
        ({"quantity": "in_migrants", "select": ["same_county", "other_county"]}, set()),
        ({"quantity": "in_migrants", "select": ["other_province"]}, set()),
        ({"quantity": "urban", "per": "employed"}, {"*"}),
        ({"quantity": "education", "select": ["none", "preschool"]}, set()),
    ],
)
def test_numbers_that_count_different_things_have_no_difference(country, of, mixed):
    country.section["covariates"] = {"asked": {**of, "change": (2010, 2020)}}
    if not mixed:
        country.build()
        return
    with pytest.raises(DataError) as caught:
        country.build()
    errors = [issue for issue in caught.value.issues if issue.severity == "error"]
    assert {(issue.code, issue.column, issue.value) for issue in errors} == {("E-DEF-MIX", "asked", v) for v in mixed}


@pytest.mark.parametrize(
    ("of", "value"),
    [
        ({"quantity": "urbane", "year": 2010}, "urbane"),
        ({"quantity": "urban", "per": "peoples", "year": 2010}, "peoples"),
        ({"quantity": "birth_rate", "year": 2020}, "2020"),
        ({"quantity": "urban", "year": 2000}, "2000"),
        ({"quantity": "employed", "select": ["farming"], "year": 2010}, "farming"),
        ({"quantity": "housing_area", "select": ["male"], "year": 2010}, "male"),
        ({"quantity": "schooling", "per": "residents", "year": 2010}, "schooling"),
        ({"quantity": "urban", "per": "schooling", "year": 2010}, "schooling"),
        ({"quantity": "education", "select": ["preschool"], "year": 2010}, "preschool"),
        ({"quantity": "education", "select": ["preschool", "female"], "year": 2010}, "preschool"),
    ],
)
def test_what_no_census_keeps_is_named(country, of, value):
    country.section["covariates"] = {"asked": of}
    with pytest.raises(DataError) as caught:
        country.build()
    (issue,) = [issue for issue in caught.value.issues if issue.severity == "error"]
    assert (issue.code, issue.column, issue.value) == ("E-QUANTITY", "asked", value)


def test_a_category_that_was_not_asked_for_is_left_out_of_a_sum_of_all(country):
    of_2010 = {"quantity": "education", "year": 2010}
    country.section["covariates"] = {
        "all": of_2010,
        "women": {**of_2010, "select": ["female"]},
        "untaught": {**of_2010, "select": ["none", "preschool"]},
        "later": {"quantity": "education", "select": ["preschool"], "year": 2020},
    }
    asked = country.build().covariates.loc["110221"]
    levels = {"all": 2 * 17, "women": 17, "untaught": 2 * 2, "later": 2 * 1}
    assert (asked / 4).to_dict() == levels


@pytest.mark.parametrize(("rate", "quantity"), [("birth", "schooling"), ("birth", "death_rate"), ("death", "urban")])
def test_a_rate_is_a_rate(country, rate, quantity):
    country.section["rates"][rate] = {"quantity": quantity, "year": 2010}
    with pytest.raises(DataError) as caught:
        country.build()
    (issue,) = [issue for issue in caught.value.issues if issue.severity == "error"]
    assert (issue.code, issue.file, issue.column, issue.value) == ("E-QUANTITY", "[zones.rates]", rate, quantity)


def test_what_is_missing_without_a_rule_stops(country):
    country.section["covariates"] = {"housing": {"quantity": "housing_area", "year": 2010}}
    with pytest.raises(DataError) as caught:
        country.build()
    errors = [issue for issue in caught.value.issues if issue.severity == "error"]
    assert [(issue.code, issue.value or "") for issue in errors] == [("E-MISSING", "")] * 2
    assert [code for code in DIVIDED if any(code in issue.rule for issue in errors)] == list(DIVIDED)


def test_a_mean_counts_whom_it_is_about():
    """A unit without households has no part in the mean of households, whatever stands in its cell."""
    frame = pd.DataFrame({"from": ["a", "b"], "to": "z", "share": 1.0, "year": 2010, "reason": ""})
    values, weights = np.array([30.0, np.nan]), np.array([5.0, 0.0])
    shares = carried.crosswalk.operator(frame, pd.Index(["a", "b"]), pd.Index(["z"]))
    product = np.where(weights == 0, 0.0, values * weights)
    assert carried.crosswalk.to_zones(shares, product) / carried.crosswalk.to_zones(shares, weights) == [30.0]
