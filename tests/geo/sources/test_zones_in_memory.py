"""Zones from polygons and a table in memory: the same numbers as from files, and the same refusals."""

import geopandas as gpd
import pandas as pd
import pytest
import xarray as xr

import geo
from geo.errors import DataError
from geo.sources import assemble

KEYS = {"area": {"column": "km2", "unit": "km2"}, "lon": "lon", "lat": "lat", "province_name": "prov_name"}
KEYS |= {"province": "prov", "prefecture": "pref"}


def frames(panel) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    table = pd.DataFrame(panel.rows, columns=panel.header)
    numbers = ["lon", "lat", "km2", "p2010", "p2020", "birth", "death", "school", "urban"]
    return panel.polygons, table.assign(**{name: table[name].astype(float) for name in numbers})


def built(panel, **keys):
    polygons, table = frames(panel)
    section = {"table": KEYS, "polygons": {"datum": "wgs84"}}
    rates = {kind: {"column": kind, "unit": "per_mille"} for kind in ("birth", "death")}
    covariates = {"schooling": {"column": "school", "unit": "years"}}
    covariates["urban_share"] = {"column": "urban", "per": "p2010", "unit": "1"}
    wanted = {"population": {2010: "p2010", 2020: "p2020"}, "rates": rates, "covariates": covariates} | keys
    return geo.build_zones(section, polygons=polygons, table=table, **wanted)


def test_zones_in_memory_are_those_of_files(small_panel):
    expected = assemble.build(small_panel.write(), seed=0).dataset
    found = built(small_panel).dataset
    xr.testing.assert_equal(found, expected)
    assert "table (in memory)" in found.attrs["inputs"]


def test_national_rates_are_numbers(small_panel):
    found = built(small_panel, rates={"birth": 11.9e-3, "death": 7.1e-3}).dataset
    assert set(found["birth_rate"].values) == {11.9e-3}


def test_a_section_with_files_is_built_too(small_panel):
    expected = assemble.build(small_panel.write(), seed=0).dataset
    xr.testing.assert_equal(geo.build_zones(small_panel.section, base=small_panel.folder).dataset, expected)


def test_a_wrong_cell_in_memory_is_named_with_its_row(small_panel):
    small_panel.rows[2][small_panel.header.index("p2020")] = "-5"
    with pytest.raises(DataError) as caught:
        built(small_panel)
    (issue,) = [issue for issue in caught.value.issues if issue.severity == "error"]
    assert (issue.file, issue.line, issue.column, issue.value) == ("table", 3, "p2020", "-5")
