"""What zones have of the map: census units and urban districts; covariates of them and of the area, and logarithms."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from small_country import PERSONS, SmallCountry

from geo import config as zones_config
from geo.errors import DataError
from geo.sources import assemble
from geo.sources.harmonised import places
from geo.sources.harmonised.development import is_district

# 水县 and 新市 are one zone, and so are the two districts 上区 and 下区.
MEMBERS = dict.fromkeys(["110101", "110102", "110103", "110104", "110201", "110221", "120121", "120122"], 1)
MEMBERS |= {"110222": 2, "120101": 2}
DISTRICTS = dict.fromkeys(["110101", "110102", "110103", "110104", "110201"], 1) | {"120101": 2}
DENSITY = {"quantity": "residents", "per": "area"}


@pytest.fixture
def country(tmp_path):
    return SmallCountry(tmp_path)


def _asked(country, **of):
    country.section["covariates"] = {"asked": of}
    return country.build()


def _errors(country, **of):
    with pytest.raises(DataError) as caught:
        _asked(country, **of)
    return [issue for issue in caught.value.issues if issue.severity == "error"]


def test_each_zone_tells_its_census_units_and_districts(country):
    config = zones_config.parse(country.write(), country.folder)
    zones = assemble.build(config, seed=0).dataset
    assert zones["members"].to_series().to_dict() == MEMBERS
    assert zones["districts"].to_series().to_dict() == {zone: DISTRICTS.get(zone, 0) for zone in MEMBERS}
    for name in ("members", "districts"):
        assert zones[name].dtype == np.int64
        assert (zones[name].attrs["role"], zones[name].attrs["units"]) == ("census", "1")


def test_a_zone_of_a_district_and_a_county_has_one_district(country):
    units = country.polygons.set_index("code")
    units = units.assign(province_name=units["province"], prefecture=units.index.str[:4])
    members = {"110201": ("110201", "110221"), "110222": ("110222",)}
    people = pd.Series(1.0, index=units.index)
    described = places.describe(units, members, people, places.outlines(units, members))
    assert described[["members", "districts"]].to_numpy().tolist() == [[2, 1], [1, 0]]


def test_districts_are_known_by_name_whatever_their_code():
    """In a prefecture that is no city, 01 is a county-level city; a late district of Chongqing has 51."""
    names = pd.Series(
        {"110101": "东城区", "513401": "西昌市", "500151": "铜梁区", "310151": "崇明区", "433122": "泸溪县"}
    )
    assert names.index[is_district(names)].tolist() == ["110101", "500151", "310151"]


def test_share_of_districts(country):
    country.section["covariates"] = {"district_share": {"quantity": "districts", "per": "members"}}
    source = country.build()
    assert source.covariates["district_share"].to_dict() == {zone: float(zone in DISTRICTS) for zone in MEMBERS}
    told = source.attributes["district_share"]
    assert (told["units"], told["source"]) == ("1", "map.gpkg: districts / members, 2019")


def test_density_and_its_logarithm(country):
    country.section["covariates"] = {
        "density": {**DENSITY, "year": 2010},
        "log_density": {**DENSITY, "year": 2010, "log": True},
        "grown": {**DENSITY, "change": (2010, 2020), "log": True},
    }
    source = country.build()
    people, area, asked = source.population, source.zones["area_km2"], source.covariates
    np.testing.assert_allclose(asked["density"], people[2010] / area, rtol=1e-12)
    np.testing.assert_allclose(asked["log_density"], np.log(people[2010] / area), rtol=1e-12)
    np.testing.assert_allclose(asked["grown"], np.log(people[2020] / people[2010]), rtol=0, atol=1e-12)
    assert asked.loc["110221", "density"] == pytest.approx(4 * PERSONS / 10_160, rel=0.02)  # a square degree at 35° N
    units = {name: told["units"] for name, told in source.attributes.items() if name in asked}
    assert units == {"density": "persons per km2", "log_density": "1", "grown": "1"}
    said = source.attributes["log_density"]["source"]
    assert said == "census_2010.xlsx, map.gpkg: ln(residents / area), 2010"


def test_a_number_of_the_map_alone_has_its_unit(country):
    source = _asked(country, quantity="area")
    np.testing.assert_array_equal(source.covariates["asked"], source.zones["area_km2"])
    assert source.attributes["asked"]["units"] == "km2"


def test_the_logarithm_of_nothing_is_missing(country):
    errors = _errors(country, quantity="districts", log=True)
    assert {(issue.code, issue.file, issue.column) for issue in errors} == {("E-MISSING", "map.gpkg", "districts")}
    assert len(errors) == len(MEMBERS) - len(DISTRICTS)


@pytest.mark.parametrize(
    ("of", "value"),
    [
        ({"quantity": "schooling", "per": "area", "year": 2010}, "schooling"),
        ({"quantity": "residents", "per": "areas", "year": 2010}, "areas"),
        ({"quantity": "districts", "select": ["male"]}, "male"),
        ({"quantity": "residents", "per": "area", "year": 2000}, "2000"),
    ],
)
def test_what_cannot_be_asked_of_the_map_is_named(country, of, value):
    (issue,) = _errors(country, **of)
    assert (issue.code, issue.column, issue.value) == ("E-QUANTITY", "asked", value)


@pytest.mark.parametrize(
    ("path", "of", "said"),
    [
        (("covariates", "x"), {"quantity": "districts", "per": "members", "year": 2010}, "neither year nor change"),
        (("covariates", "x"), {"quantity": "districts", "per": "residents"}, "per is one of area, members, districts"),
        (("covariates", "x"), {"quantity": "residents", "per": "area"}, "give either year or change"),
        (("covariates", "members"), {"quantity": "members"}, "in use for something else: members"),
        (("rates", "birth"), {"quantity": "birth_rate", "year": 2010, "log": True}, "no log"),
    ],
)
def test_what_makes_no_sense_is_refused_by_the_configuration(country, of, path, said):
    country.section[path[0]][path[1]] = of
    with pytest.raises(ValidationError, match=said):
        zones_config.parse(country.section, country.folder)
