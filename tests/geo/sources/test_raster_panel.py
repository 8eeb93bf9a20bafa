"""What a panel makes of rasters: covariates, positions, rules, and a config that can be meant."""

import geotiff
import numpy as np
import pyproj
import pytest
from pydantic import ValidationError

from geo.sources import panel

GEOD = pyproj.Geod(ellps="WGS84")


def test_all_problems_of_all_rasters_come_at_once(small_panel):
    small_panel.set("110101", "birth", "12,5")
    geotiff.write(small_panel.folder / "a.tif", np.full((12, 12), -9999.0))
    geotiff.write(small_panel.folder / "b.tif", np.ones((12, 12)), crs=None)
    common = {"quantity": "count", "people": False, "statistic": "sum", "unit": "1"}
    small_panel.section["rasters"] = {name: {"file": f"{name}.tif", **common} for name in ("a", "b", "c")}
    codes = [issue.code for issue in small_panel.errors_of(small_panel.write())]
    assert sorted(codes) == ["E-CRS-MISSING", "E-IO-MISSING", "E-NODATA-SUSPECT", "E-NUM"]


def test_a_panel_takes_covariates_and_positions_from_rasters(small_panel):
    del small_panel.section["table"]["lon"], small_panel.section["table"]["lat"]
    people = geotiff.people_by_cell()
    people[0:4, 0:4] = np.array([[1, 0, 0, 0]] * 4) * 710 / 4  # the west of 120101
    people[0:4, 4:8] = -1.0  # nobody knows of 120102
    geotiff.write(small_panel.folder / "p.tif", people, nodata=-1.0)
    common = {"file": "p.tif", "quantity": "count", "people": 2020, "total_within": 0.2}
    small_panel.section["rasters"] = {
        "crowd": {**common, "statistic": "mean", "unit": "persons per km2", "missing": "province_mean"},
        "known": {**common, "statistic": "coverage"},
        "weight": common,
    }
    small_panel.section["position"] = {"raster": "weight"}
    source = panel.build(small_panel.write())
    np.testing.assert_allclose(source.zones.loc["120101", ["lon", "lat"]].astype(float), [103.125, 36.5], atol=1e-3)
    np.testing.assert_allclose(source.zones.loc["120102", ["lon", "lat"]].astype(float), [104.5, 36.5], atol=1e-9)
    assert list(source.zones["imputed"]) == [0, 0, 0, 0, 0, 0, 0, 1, 0]
    assert source.covariates["known"].to_list() == pytest.approx([1, 1, 1, 1, 1, 1, 1, 0, 1])
    lon = np.linspace(105.0, 106.0, 10_001)
    ring = np.concatenate([lon, lon[::-1]]), np.repeat([35.0, 36.0], lon.size)
    square_km2 = abs(GEOD.polygon_area_perimeter(*ring)[0]) / 1e6
    assert source.covariates.loc["110203", "crowd"] == pytest.approx(610 / square_km2, rel=1e-6)
    g, h, i = (source.covariates.loc[code, "crowd"] for code in ("120101", "120102", "120103"))
    assert h == pytest.approx((700 * g + 900 * i) / 1600)
    assert source.attributes["crowd"]["units"] == "persons per km2"
    assert source.attributes["lon"]["source"] == "p.tif, mean place"
    assert [entry["file"] for entry in source.inputs].count("p.tif") == 1
    warned = [(issue.code, issue.line) for issue in source.issues if issue.code.startswith(("W-POS", "W-IMP"))]
    assert warned == [("W-IMPUTED", 9), ("W-POS-WEIGHT", 9)]
    assert sum("crowd: 1 zones" in rule or "position: 1 zones" in rule for rule in source.rules) == 2


@pytest.mark.parametrize(
    ("raster", "words"),
    [
        ({"quantity": "count", "statistic": "sum", "unit": "1"}, "people"),
        ({"quantity": "mean", "statistic": "sum", "unit": "m"}, "a sum needs"),
        ({"quantity": "mean", "statistic": "mean"}, "needs its unit"),
        ({"quantity": "count", "people": False}, "nothing uses it"),
        ({"quantity": "count", "people": 1999, "statistic": "sum", "unit": "1"}, "1999"),
        ({"quantity": "mean", "statistic": "mean", "unit": "m", "weight": "none"}, "no count or density"),
    ],
)
def test_a_config_that_cannot_be_meant(small_panel, raster, words):
    small_panel.section["rasters"] = {"x": {"file": "x.tif", **raster}}
    with pytest.raises(ValidationError, match=words):
        small_panel.parse()


def test_a_table_and_a_raster_do_not_both_place_the_zones(small_panel):
    small_panel.section["rasters"] = {"x": {"file": "x.tif", "quantity": "count", "people": False}}
    small_panel.section["position"] = {"raster": "x"}
    with pytest.raises(ValidationError, match="not from both"):
        small_panel.parse()
