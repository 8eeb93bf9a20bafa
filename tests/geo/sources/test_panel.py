"""Good panels become zones: nobody lost, units right, declared rules applied and told."""

import json
import tomllib
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
from checkout import ROOT
from pydantic import ValidationError

from geo import config
from geo.checks.people import largest_remainder
from geo.sources import assemble, panel


def test_small_panel_by_hand(small_panel):
    source = panel.build(small_panel.write())
    assert source.population.sum().to_dict() == {2010: 4500.0, 2020: 4590.0}
    assert source.zones.loc["110203", "name"] == "NA"  # a name, not a missing value
    assert source.zones.loc["120101", ["birth_rate", "death_rate"]].tolist() == pytest.approx([0.010, 0.006])
    assert source.zones["area_km2"].sum() == 6 * 9000 + 3 * 8000
    assert source.covariates["urban_share"].to_numpy() == pytest.approx(0.5)
    assert source.zones["imputed"].sum() == 0
    assert {issue.code for issue in source.issues} <= {"W-DATUM"}
    assert (source.rules, source.synthetic) == ((), False)


def test_every_frame_is_in_the_order_of_the_codes(small_panel):
    small_panel.rows.reverse()
    small_panel.polygons = small_panel.polygons.sample(frac=1, random_state=3)
    source = panel.build(small_panel.write())
    codes = sorted(row[0] for row in small_panel.rows)
    for frame in (source.zones, source.population, source.covariates, source.polygons):
        assert list(frame.index) == codes
    assert source.population[2010].tolist() == [100.0 * n for n in range(1, 10)]
    centres = source.polygons.bounds[["minx", "miny"]] + 0.5
    assert centres.to_numpy() == pytest.approx(source.zones[["lon", "lat"]].to_numpy(dtype=float))


def test_position_and_area_come_from_the_polygon_where_the_table_names_none(small_panel):
    for key in ("lon", "lat", "area", "prefecture", "province", "province_name"):
        del small_panel.section["table"][key]
    source = panel.build(small_panel.write())
    points = gpd.GeoSeries(gpd.points_from_xy(source.zones["lon"], source.zones["lat"]), index=source.zones.index)
    assert source.polygons.geometry.set_crs(None, allow_override=True).contains(points).all()
    # One square degree at 34 to 35 N: R^2 (sin 35 - sin 34) times one degree, within the flattening of the Earth.
    assert source.zones.loc["110101", "area_km2"] == pytest.approx(10_187, rel=3e-3)
    assert source.zones.loc["120103", ["province", "prefecture"]].tolist() == ["12", "1201"]


def _excel(path: Path, small_panel) -> None:
    book = openpyxl.Workbook()
    for row in [small_panel.header, *small_panel.rows]:
        book.active.append([int(cell) if cell.isdecimal() else cell for cell in row])
    book.save(path)


def _parquet(path: Path, small_panel) -> None:
    frame = pd.DataFrame(small_panel.rows, columns=small_panel.header)
    numbers = ["lon", "lat", "km2", "p2010", "p2020", "birth", "death", "school", "urban"]
    frame[numbers] = frame[numbers].astype(float)
    frame.to_parquet(path)


@pytest.mark.parametrize(("name", "write"), [("census.xlsx", _excel), ("census.parquet", _parquet)])
def test_table_formats_read_alike(small_panel, name, write):
    expected = panel.build(small_panel.write())
    write(small_panel.folder / name, small_panel)
    small_panel.section["table"]["file"] = name
    source = panel.build(small_panel.parse())
    pd.testing.assert_frame_equal(source.zones, expected.zones)
    pd.testing.assert_frame_equal(source.population, expected.population)
    pd.testing.assert_frame_equal(source.covariates, expected.covariates)


@pytest.mark.parametrize("name", ["squares.geojson", "squares.shp", "squares.parquet"])
def test_polygon_formats_read_alike(small_panel, name):
    expected = panel.build(small_panel.write())
    path = small_panel.folder / name
    if path.suffix == ".parquet":
        small_panel.polygons.to_parquet(path)
    else:
        small_panel.polygons.to_file(path)
    small_panel.section["polygons"]["file"] = name
    source = panel.build(small_panel.parse())
    assert source.polygons.geometry.geom_equals(expected.polygons.geometry).all()
    assert {entry["crs"] for entry in source.inputs if str(entry["file"]).startswith("squares")} == {"EPSG:4326"}


def test_projected_polygons_come_back_to_degrees(small_panel):
    expected = panel.build(small_panel.write())
    small_panel.polygons = small_panel.polygons.to_crs(32648)
    source = panel.build(small_panel.write())
    assert source.polygons.crs.to_epsg() == 4326
    assert source.polygons.bounds.to_numpy() == pytest.approx(expected.polygons.bounds.to_numpy(), abs=1e-7)


def test_declared_crs_stands_in_for_a_missing_one(small_panel):
    small_panel.polygons = small_panel.polygons.set_crs(None, allow_override=True)
    small_panel.section["polygons"]["crs"] = "EPSG:4490"
    source = panel.build(small_panel.write())
    assert source.inputs[0]["crs"] == "EPSG:4490"


def test_thousands_ten_thousands_and_encoding(small_panel):
    for row in small_panel.rows:
        row[8] = f"{float(row[8]) * 10_000:,.0f}"
        row[9] = f"{float(row[9]) / 10_000:.4f}"
        row[13] = str(float(row[13]) * 10_000)
        row[1] = "东城区"
    small_panel.section["population"]["2020"]["unit"] = "ten_thousand_persons"
    small_panel.section["table"] |= {"thousands": ",", "encoding": "gb18030"}
    parsed = small_panel.write()
    small_panel.write_table(encoding="gb18030")
    source = panel.build(parsed)
    assert source.population.sum().to_dict() == {2010: 45_000_000.0, 2020: 4590.0}
    assert set(source.zones["name"]) == {"东城区"}


def test_largest_remainder():
    # 0.5 + 0.3 + 0.9 + 2 = 3.7 -> 4: two persons to the remainders 0.9 and 0.5, none to the whole number.
    assert largest_remainder(np.array([0.5, 10.3, 20.9, 32.0])).tolist() == [1.0, 10.0, 21.0, 32.0]
    # Sum 30.3 rounds down: nobody is added beyond the nearest whole number.
    assert largest_remainder(np.array([10.1, 10.1, 10.1])).tolist() == [10.0, 10.0, 10.0]


def test_fractions_are_restored_within_the_province(small_panel):
    for code, text in {"110101": "110.4", "110102": "210.4", "110103": "310.2", "120101": "710.6"}.items():
        small_panel.set(code, "p2020", text)
    small_panel.section["population"]["2020"]["fractional"] = "largest_remainder"
    source = panel.build(small_panel.write())
    assert source.population.loc[["110101", "110102", "110103", "120101"], 2020].tolist() == [111, 210, 310, 711]
    assert [issue.code for issue in source.issues if issue.code != "W-DATUM"] == ["W-POP-FRACTIONAL"] * 4
    assert source.rules[0].startswith("population 2020: 4 zones (1,342 people)")


def test_province_mean_weighs_by_residents_and_takes_the_finished_ratio(small_panel):
    small_panel.set("110101", "school", "")
    small_panel.set("110101", "urban", "")
    small_panel.set("110102", "urban", "0")
    for name in ("schooling", "urban_share"):
        small_panel.section["covariates"][name]["missing"] = "province_mean"
    source = panel.build(small_panel.write())
    # Province 11 without its first zone: (200*9 + 300*10 + 400*11 + 500*12 + 600*7) / 2000, and (0 + 1800*0.5) / 2000.
    assert source.covariates.loc["110101", "schooling"] == pytest.approx(9.7)
    assert source.covariates.loc["110101", "urban_share"] == pytest.approx(0.45)
    assert source.zones["imputed"].to_dict() == {code: int(code == "110101") for code in source.zones.index}
    assert len(source.rules) == 2
    assert "1 zones (100 people in 2010)" in source.rules[0]
    filled = [issue for issue in source.issues if issue.code == "W-IMPUTED"]
    assert [(issue.severity, issue.line, issue.people) for issue in filled] == [("warning", 2, 100.0)] * 2


def test_blank_prefecture_takes_the_digits_of_the_code_and_says_so(small_panel):
    small_panel.set("120103", "pref", "")
    source = panel.build(small_panel.write())
    assert source.zones.loc["120103", "prefecture"] == "1201"
    assert source.rules[0].startswith("prefecture: 1 zones")


def test_zero_population_where_allowed(small_panel):
    small_panel.set("110101", "p2020", "0")
    small_panel.section["population"]["2020"]["allow_zero"] = True
    assert panel.build(small_panel.write()).population.loc["110101", 2020] == 0


def test_dataset_has_the_shape_of_zones_nc(small_panel):
    built = assemble.build(small_panel.write(), seed=0)
    data = built.dataset
    assert dict(data.sizes) == {"zone": 9, "year": 2}
    assert data["population"].dims == ("zone", "year")
    assert data["population"].attrs["definition"] == "resident"
    assert data["population"].attrs["reference_dates"] == "2010-11-01, 2020-11-01"
    assert data["population"].attrs["interval_days"] == "3653"
    assert {name for name in data if data[name].attrs.get("role") == "covariate"} == {"schooling", "urban_share"}
    assert all({"units", "long_name", "source"} <= data[name].attrs.keys() for name in data.variables)
    assert data["urban_share"].attrs["source"] == "census.csv, column urban / p2010"
    assert (data["east"] == (data["divide_distance"] > 0)).all()
    assert 0 < float(data["area_share_east"].sel(zone="110103")) < 1
    assert [entry["rows"] for entry in json.loads(data.attrs["inputs"])] == [9, 9]
    columns = {"code", "name", "province", "prefecture", "area_km2", "population_2010", "population_2020"}
    assert set(built.polygons.columns) == {*columns, "growth_2010_2020", "geometry"}


def test_dataset_survives_the_file(small_panel, tmp_path):
    import xarray as xr

    data = assemble.build(small_panel.write(), seed=0).dataset
    data.to_netcdf(tmp_path / "zones.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "zones.nc", engine="h5netcdf") as again:
        xr.testing.assert_identical(again.load(), data)


def test_paths_start_at_the_config_or_the_data_folder(small_panel, monkeypatch, tmp_path):
    monkeypatch.setenv("FLOWMODEL_DATA", str(tmp_path / "elsewhere"))
    small_panel.section["polygons"]["file"] = "${FLOWMODEL_DATA}/china/x.gpkg"
    parsed = small_panel.parse()
    assert parsed.polygons.file == tmp_path / "elsewhere" / "china" / "x.gpkg"
    assert parsed.table.file == small_panel.folder / "census.csv"


def test_builtin_section():
    parsed = config.parse({"source": "builtin"}, ROOT)
    assert isinstance(parsed, config.BuiltinConfig)
    assert parsed.counties == 2800


@pytest.fixture(scope="module")
def real(data_dir):
    """The real section, residents divided by residents of the same borders."""
    text = (ROOT / "configs" / "china_panel_2010_2020.toml").read_text(encoding="utf-8")
    section = tomllib.loads(text)["zones"]
    for name in ("urban_share", "young_share"):
        section["covariates"][name]["per"] = "yb_pop_2010"
    return section


@pytest.fixture(scope="module")
def real_build(real):
    return assemble.build(config.parse(real, ROOT / "configs"), seed=0)


def test_real_panel_keeps_every_person(real_build):
    population = real_build.dataset["population"]
    assert population.sizes["zone"] == 2641
    assert population.sum("zone").values.tolist() == [1_332_809_370.0, 1_409_778_724.0]
    assert (population.values == np.floor(population.values)).all()


def test_real_panel_restores_each_province_to_its_nearest_whole_number(real_build, data_dir):
    raw = pd.read_csv(data_dir / "china" / "china_units_panel.csv", dtype={"prov_code": str})
    wanted = raw.groupby("prov_code")["pop_2020"].sum().round()
    got = real_build.dataset["population"].sel(year=2020).groupby(real_build.dataset["province"]).sum()
    assert got.values.tolist() == wanted.tolist()
    before = raw.assign(unit=raw["unit"].astype(str)).set_index("unit")["pop_2020"].sort_index()
    assert np.abs(real_build.dataset["population"].sel(year=2020).values - before.to_numpy()).max() < 1
    assert sum(issue.code == "W-POP-FRACTIONAL" for issue in real_build.issues) == 38


def test_real_panel_fills_25_units_in_sight(real_build):
    data = real_build.dataset
    imputed = data["imputed"].values == 1
    assert imputed.sum() == 25
    assert data["population"].sel(year=2010).values[imputed].sum() == 6_627_989
    assert sum("25 zones (6,627,989 people in 2010)" in rule for rule in json.loads(data.attrs["rules"])) == 9
    assert sum(issue.code == "W-IMPUTED" for issue in real_build.issues) == 25 * 9
    assert all(np.isfinite(data[name].values).all() for name in data if data[name].dtype.kind == "f")


def test_real_panel_lies_on_the_divide_as_published(real_build):
    data = real_build.dataset
    share = (data["population"] * data["east"]).sum("zone") / data["population"].sum("zone")
    assert ((share > 0.9365) & (share < 0.9383)).all()
    assert 0.434 < float((data["area"] * data["east"]).sum() / data["area"].sum()) < 0.438
    assert (data["prefecture"].str.len() == 4).all()  # 110 units lack the name, none the code


def test_real_urban_residents_exceed_residents_of_other_borders(real):
    """Three units were re-drawn after 2010: their urban residents stand on the old borders, pop_2010 on the new."""
    covariates = real["covariates"] | {"urban_share": {**real["covariates"]["urban_share"], "per": "pop_2010"}}
    with pytest.raises(Exception, match="E-SHARE") as caught:
        panel.build(config.parse(real | {"covariates": covariates}, ROOT / "configs"))
    errors = [issue for issue in caught.value.issues if issue.severity == "error"]
    assert [issue.line for issue in errors] == [326, 658, 1997]


def test_one_national_rate_is_that_of_every_zone(small_panel):
    small_panel.section["rates"] = {
        "birth": {"value": 11.9, "unit": "per_mille"},
        "death": {"value": 0.0071, "unit": "1"},
    }
    built = assemble.build(small_panel.write(), seed=0)
    assert set(built.dataset["birth_rate"].values) == {11.9e-3}
    assert set(built.dataset["death_rate"].values) == {0.0071}
    assert "national rate" in built.dataset["birth_rate"].attrs["source"]
    assert any("national rate of 11.9 per mille" in rule for rule in json.loads(built.dataset.attrs["rules"]))


def test_without_rates_the_build_says_what_it_assumes_and_goes_on(small_panel):
    del small_panel.section["rates"]
    built = assemble.build(small_panel.write(), seed=0)
    assert set(built.dataset["birth_rate"].values) == set(built.dataset["death_rate"].values) == {0.0}
    said = [issue for issue in built.issues if issue.code == "W-NO-RATES"]
    assert [issue.column for issue in said] == ["zones.rates.birth", "zones.rates.death"]
    assert any("assumes no births" in rule for rule in json.loads(built.dataset.attrs["rules"]))


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        ({"unit": "per_mille"}, "name a column of the table, or give one national rate"),
        ({"value": 11.9, "column": "birth", "unit": "per_mille"}, "name a column of the table"),
        ({"value": 11.9, "missing": "province_mean", "unit": "per_mille"}, "a national rate has no gaps"),
    ],
)
def test_a_rate_is_a_column_or_one_value(small_panel, rate, said):
    small_panel.section["rates"]["birth"] = rate
    with pytest.raises(ValidationError, match=said):
        small_panel.parse()


def test_a_national_rate_in_the_wrong_unit_is_refused(small_panel):
    small_panel.section["rates"]["birth"] = {"value": 11.9, "unit": "per_cent"}
    issue = small_panel.only(small_panel.errors_of(small_panel.write()))
    assert (issue.code, issue.column, issue.value) == ("E-RATE-RANGE", "zones.rates.birth", "11.9")
