"""Flow tables become rectangles: in which order, with which pairs, distances and masses, and what is left out said."""

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from pydantic import ValidationError
from small_flows import SmallFlows

from geo import flows
from geo.config import FlowTables
from geo.flows import distances

NAN = np.nan
# Haversine kilometres from New York to the ten largest cities, and two more: laser-core, tests/test_migration.py.
NEW_YORK = [
    0,
    3957.13675,
    1154.88510,
    2283.37528,
    3444.88038,
    124.08572,
    2547.74127,
    3906.51957,
    2206.50912,
    1342.25107,
]
KAMPALA_NAIROBI, ONE_DEGREE = 507.29393, 111.19493


@pytest.fixture
def small(tmp_path):
    return SmallFlows(tmp_path)


def read(base, flow_section, zone_section=None, columns=((), (), ())):
    tables = FlowTables.read({"flows": flow_section, "zones": zone_section}, base)
    return flows.read(tables.flows, tables.zones, *columns)


# Layouts


def test_rows_become_a_rectangle(small):
    data = small.read()
    assert data.origins == data.destinations == ("A", "B", "C")
    assert data.flow.tolist() == [[0, 20, 5], [12, 0, 30], [0, 8, 0]]
    assert data.flow.dtype == np.float64
    assert data.listed.tolist() == [[True, True, True], [True, False, True], [False, True, False]]
    assert data.allowed.tolist() == (~np.eye(3, dtype=bool)).tolist()
    assert data.distance_km is None
    assert data.gauge is None
    assert [data.lines.of(0, 1), data.lines.of(0, 0), data.lines.of(2, 0), data.lines.of(2, 2)] == [2, 7, None, None]
    assert data.lines.file == "flows.csv"


def test_a_matrix_gives_the_same(small):
    long = small.read()
    data = small.as_matrix().read()
    assert data.origins == data.destinations == long.origins
    assert data.flow.tolist() == long.flow.tolist()
    assert data.allowed.tolist() == long.allowed.tolist()
    assert data.listed[2].tolist() == [False, True, True]  # a written 0 is listed, a blank is not
    assert [data.lines.of(0, 1), data.lines.of(2, 0)] == [2, None]


def test_flows_within_zones_are_left_out_in_sight_or_kept(small):
    (warning,) = small.read().issues
    assert (warning.code, warning.severity, warning.people) == ("W-OD-INTRAZONAL", "warning", 70)
    assert (warning.line, warning.column, warning.value) == (7, "people", "A to A")
    small.flows["intrazonal"] = True
    data = small.read()
    assert data.flow[0, 0] == 70
    assert data.allowed.all()
    assert data.issues == ()


def test_rectangular_rows(small):
    small.table = [["from", "to", "people"], ["B", "x", "1"], ["A", "y", "2"], ["A", "x", "3.5"]]
    data = small.read()
    assert (data.origins, data.destinations) == (("B", "A"), ("x", "y"))
    assert data.flow.tolist() == [[1, 0], [3.5, 2]]
    assert data.allowed.all()


def test_rectangular_matrix_that_shares_a_zone(small):
    small.as_matrix()
    small.table = [["", "A", "x"], ["B", "1", "2"], ["A", "3", "4"], ["C", "5", "6"]]
    data = small.read()
    assert (data.origins, data.destinations) == (("B", "A", "C"), ("A", "x"))
    assert data.allowed.tolist() == [[True, True], [False, True], [True, True]]
    assert data.flow.sum() == 18


def test_the_same_zones_stand_in_one_order_on_both_axes(small):
    small.table[1:] = reversed(small.table[1:])
    data = small.read()
    assert data.origins == data.destinations == ("A", "C", "B")
    assert data.flow[data.origins.index("B"), data.destinations.index("C")] == 30


def test_zones_give_the_order_and_stand_on_both_axes(small):
    small.with_zones()
    small.zone_table[1:] = [
        small.zone_table[3],
        small.zone_table[1],
        ["D", "2", "2", "9", "0", "0"],
        small.zone_table[2],
    ]
    data = small.read()
    assert data.origins == data.destinations == ("C", "A", "D", "B")
    assert data.flow[1].tolist() == [5, 0, 0, 20]
    idle = [issue for issue in data.issues if issue.code == "W-OD-ZONE-IDLE"]
    assert [(issue.file, issue.line, issue.value) for issue in idle] == [("zones.csv", 4, "D")]


@pytest.mark.parametrize("where", ["row", "column", "both"])
def test_sums_of_a_matrix_are_checked_and_left_out(small, where):
    small.as_matrix(total="Total")
    if where != "row":
        small.table = [[*row, total] for row, total in zip(small.table, ["Total", "95", "42", "8"], strict=True)]
    if where != "column":
        small.table.append(["Total", "82", "28", "35", "145"][: len(small.table[0])])
    data = small.read()
    assert data.origins == ("A", "B", "C")
    assert data.flow.sum() == 75


def test_rounded_parts_may_miss_their_sum_by_the_rounding(small):
    small.as_matrix(total="T")
    small.table = [["", "A", "B", "C", "T"], ["A", "0", "0.33", "0.33", "0.67"], ["B", "0.5", "0", "0.5", "1"]]
    small.table += [["C", "1", "1", "0", "2"]]
    assert small.read().flow.sum() == pytest.approx(3.66)
    small.table[1][4] = "0.69"
    assert small.only("E-OD-SUM").value == "0.69"


def test_published_totals_of_zones_are_met(small):
    small.with_zones(outflow="left", inflow="came")
    assert small.read().flow.sum() == 75


@pytest.mark.parametrize("absent", ["missing", {"below": 4, "column": "cases"}])
def test_of_published_totals_some_may_be_unlisted(small, absent):
    small.with_zones(outflow="left")
    small.flows["absent_pairs"] = absent
    small.set_zone(4, "left", "11")
    assert small.read().flow.sum() == 75


# What an absent pair means


def test_absent_pairs_are_zeros_or_missing(small):
    assert small.read().allowed[2, 0]
    small.flows["absent_pairs"] = "missing"
    data = small.read()
    assert data.allowed.tolist() == [[False, True, True], [True, False, True], [False, True, False]]


def test_absent_pairs_are_below_a_threshold(small):
    small.flows["absent_pairs"] = {"below": 4, "column": "cases"}
    data = small.read()
    assert data.allowed[2, 0]
    assert not data.listed[2, 0]
    np.testing.assert_array_equal(data.gauge, [[35, 10, 4], [6, NAN, 15], [NAN, 4, NAN]])


def test_a_threshold_may_be_of_the_flow_itself(small):
    small.as_matrix(absent_pairs={"below": 5})
    small.table[2][2] = small.table[3][3] = ""
    np.testing.assert_array_equal(small.read().gauge, [[70, 20, 5], [12, NAN, 30], [NAN, 8, NAN]])


def test_what_an_absent_pair_means_has_no_default(small):
    del small.flows["absent_pairs"]
    with pytest.raises(ValidationError, match="it changes the answer"):
        small.read()


@pytest.mark.parametrize(
    ("flow", "zones", "said"),
    [
        ({"absent_pairs": "none"}, None, "absent_pairs"),
        ({"absent_pairs": {"below": 0}}, None, "below"),
        ({"absent_pairs": {"below": 10, "likelihood": "tobit"}}, None, "likelihood"),
        ({"flow": None}, None, "name the columns of flow"),
        ({"total": "Total"}, None, "sums of a matrix"),
        ({"layout": "matrix"}, None, "no origin, destination, flow"),
        ({"origins": "x"}, None, "origins"),
        ({"distance": "haversine"}, None, r"needs \[zones\]"),
        ({"distance": "geodesic"}, {"file": "zones.csv", "id": "id"}, "needs lon and lat"),
        ({}, {"file": "zones.csv", "id": "id", "lon": "x"}, "together"),
        ({}, {"file": "zones.csv", "id": "id", "crs": "EPSG:4326"}, "belongs to polygons"),
    ],
)
def test_sections_are_strict(small, flow, zones, said):
    small.flows |= flow
    small.zones = zones
    with pytest.raises(ValidationError, match=said):
        small.read()


def test_a_matrix_has_no_columns(small):
    small.as_matrix(distance="km")
    with pytest.raises(ValidationError, match="a matrix has no columns"):
        small.read()


def test_a_config_that_was_written_out_reads_the_same(small, tmp_path):
    small.flows |= {"distance": {"matrix": "cost.csv"}, "absent_pairs": {"below": 10}}
    tables = FlowTables.read({"flows": small.flows, "zones": small.with_zones().zones}, tmp_path)
    written = tables.model_dump(mode="json", exclude_none=True)
    assert FlowTables.model_validate(written) == tables


def test_a_flow_declared_unknown_is_no_pair(small):
    small.flows["missing_values"] = ["-"]
    small.set(3, "people", "-")
    data = small.read()
    assert not data.allowed[0, 2]
    assert data.flow[0].tolist() == [0, 20, 0]
    warning = next(issue for issue in data.issues if issue.code == "W-OD-FLOW")
    assert (warning.line, warning.value, warning.people) == (3, "A to C", None)


# Distances


def test_distances_of_a_column_where_absent_pairs_are_missing(small):
    small.flows |= {"distance": "km", "absent_pairs": "missing"}
    data = small.read()
    np.testing.assert_array_equal(data.distance_km, [[0, 100, 200], [100, NAN, 150], [NAN, 150, NAN]])
    assert np.isfinite(data.distance_km[data.allowed]).all()


@pytest.mark.parametrize("matrix", [True, False])
def test_distances_of_a_matrix(small, matrix):
    labels = ["A", "B", "C"] if matrix else ["C", "A", "B"]
    if matrix:
        small.as_matrix()
    small.flows["distance"] = {"matrix": "cost.csv", "thousands": ","}
    km = {("A", "B"): "1,001", ("A", "C"): "2", ("B", "A"): "3", ("B", "C"): "4", ("C", "A"): "5", ("C", "B"): "6"}
    small.write("cost.csv", [["", *labels], *([o, *(km.get((o, d), "") for d in labels)] for o in labels)])
    np.testing.assert_array_equal(small.read().distance_km, [[NAN, 1001, 2], [3, NAN, 4], [5, 6, NAN]])


def test_haversine_is_that_of_laser(data_dir):
    rows = (data_dir / "flows/laser_us_cities/us-cities.csv").read_text(encoding="utf-8").splitlines()[1:11]
    degrees = np.array([[float(cell[:-2]) for cell in row.split(",")[-2:]] for row in rows])
    distance = distances.haversine(-degrees[:, 1], degrees[:, 0])
    np.testing.assert_allclose(distance[0], NEW_YORK, atol=1e-5)


def test_haversine_of_known_pairs():
    cities = distances.haversine(np.array([32.5816, 36.8474]), np.array([0.3152, -1.3032]))
    assert cities[0, 1] == cities[1, 0] == pytest.approx(KAMPALA_NAIROBI, abs=1e-5)
    degree = distances.haversine(np.array([0.0, 1.0, 0.0, 180.0]), np.array([0.0, 0.0, 1.0, 0.0]))
    assert degree[0].tolist() == pytest.approx([0, ONE_DEGREE, ONE_DEGREE, np.pi * 6371], abs=1e-5)


def test_geodesic_is_that_of_single_pairs():
    # A degree of the equator is exactly 1/360 of its length, 2 pi 6378.137 km.
    lon, lat = np.array([0.0, 1.0, 179.5, -179.5, 10.0]), np.array([0.0, 0.0, 60.0, -60.0, 89.0])
    distance = distances.geodesic(lon, lat)
    assert distance[0, 1] == pytest.approx(2 * np.pi * 6378.137 / 360, abs=1e-9)
    assert (distance == distance.T).all()
    assert not distance.diagonal().any()
    geod = pyproj.Geod(ellps="WGS84")
    for at, to in ((0, 2), (1, 4), (3, 2), (4, 3)):
        assert distance[at, to] * 1000 == pytest.approx(geod.inv(lon[at], lat[at], lon[to], lat[to])[2], abs=1e-6)


@pytest.mark.parametrize(("kind", "equator"), [("haversine", ONE_DEGREE), ("geodesic", 111.31949)])
def test_distances_of_positions(small, kind, equator):
    small.with_zones()
    small.flows["distance"] = kind
    data = small.read()
    assert data.distance_km[0, 1] == pytest.approx(equator, abs=1e-5)
    assert data.distance_km.shape == (3, 3)


# Masses and columns


def test_a_mass_is_of_the_zones_first(small):
    small.with_zones()
    small.table[0][5] = "population"  # the flow table has a column of that name too
    data = small.read(["population", "left"], ["came"], [])
    assert data.origin_columns["population"].tolist() == [1000, 2000, 3000]
    assert data.origin_columns["left"].tolist() == [25, 42, 8]
    assert data.destination_columns["came"].tolist() == [12, 28, 35]


def test_a_mass_of_the_flow_table_is_of_a_zone_where_it_is_the_same(small):
    data = small.read(["size_o"], ["size_d"], [])
    assert data.origin_columns["size_o"].tolist() == [1000, 2000, 3000]
    assert data.destination_columns["size_d"].tolist() == [1000, 2000, 3000]


def test_a_mass_that_differs_within_a_zone_is_of_pairs(small):
    small.flows["absent_pairs"] = "missing"
    data = small.read(["size_d"], [], ["border"])
    np.testing.assert_array_equal(
        data.origin_columns["size_d"], [[NAN, 2000, 3000], [1000, NAN, 3000], [NAN, 2000, NAN]]
    )
    np.testing.assert_array_equal(data.pair_columns["border"], [[NAN, 1, 0], [1, NAN, 1], [NAN, 1, NAN]])


# Zones from polygons


def test_positions_of_polygons_are_their_centroids(small, tmp_path):
    shapes = [shapely.box(0, 0, 2, 1), shapely.box(2, 0, 3, 1), shapely.Polygon([(0, 1), (3, 1), (0, 4)])]
    layer = gpd.GeoDataFrame({"id": ["A", "B", "C"], "people": [10, 20, 30]}, geometry=shapes, crs=4326)
    layer.to_file(tmp_path / "zones.gpkg")
    small.flows["distance"] = "haversine"
    small.zones = {"file": "zones.gpkg", "id": "id"}
    data = small.read(["people"], [], [])
    assert data.origin_columns["people"].tolist() == [10, 20, 30]
    wanted = distances.haversine(np.array([1.0, 2.5, 1.0]), np.array([0.5, 0.5, 2.0]))
    np.testing.assert_allclose(data.distance_km, wanted, rtol=1e-12)


def test_zones_of_numbers_meet_labels_of_text(small, tmp_path):
    small.table[1:] = [[*map({"A": "1", "B": "2", "C": "3"}.get, row[:2]), *row[2:]] for row in small.table[1:]]
    shapes = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.box(2, 0, 3, 1)]
    gpd.GeoDataFrame({"id": [1, 2, 3]}, geometry=shapes, crs=4326).to_file(tmp_path / "zones.gpkg")
    small.zones = {"file": "zones.gpkg", "id": "id"}
    assert small.read().origins == ("1", "2", "3")


# Real tables


def test_commuters_of_new_york(data_dir):
    section = {"file": "NY_commuting_flows_2011.csv", "origin": "origin", "destination": "destination", "flow": "flow"}
    section |= {"distance": "haversine", "absent_pairs": "missing"}
    zones = {"file": "NY_counties_2011.geojson", "id": "tile_id"}
    data = read(data_dir / "flows/skmob_ny", section, zones, (["population"], ["population"], []))
    assert len(data.origins) == 62
    assert data.allowed.sum() == 1892
    assert data.origins[0] == "36019"
    assert data.origin_columns["population"][0] == 81716
    (warning,) = data.issues
    assert (warning.code, warning.rule[:2]) == ("W-OD-INTRAZONAL", "62")
    listed = np.log(data.distance_km[data.allowed])
    assert np.isfinite(listed).all()


def test_migrants_of_austria(data_dir):
    section = {"file": "austria_72_pairs.csv", "origin": "origin", "destination": "dest", "flow": "flow"}
    section |= {"distance": "dist_km", "absent_pairs": "zero"}
    data = read(data_dir / "flows/spint_austria", section, None, (["o_var"], ["d_var"], []))
    assert data.issues == ()
    assert data.allowed.sum() == 72
    assert data.distance_km[0, 1] == 103.001845
    assert data.origin_columns["o_var"].shape == data.destination_columns["d_var"].shape == (9,)


def test_movers_between_counties_of_the_united_states(data_dir):
    section = {"file": "od_2005_2006.parquet", "origin": "orig", "destination": "dest", "flow": "persons"}
    section |= {"distance": "dist_km", "absent_pairs": "missing"}
    zones = {"file": "counties_2005_2006.csv", "id": "geoid", "lon": "lon", "lat": "lat"}
    folder, mass = data_dir / "flows/us_2005_2006", ["nonmig_persons_2005_06"]
    data = read(folder, section, zones, (mass, mass, []))
    assert data.flow.shape == (3106, 3106)
    assert (int(data.listed.sum()), int(data.allowed.sum()), data.flow.sum()) == (83340, 83340, 10661439)
    at = data.origins.index("01101"), data.destinations.index("01001")
    assert (data.flow[at], data.distance_km[at], data.lines.of(*at)) == (1010, 53.80, 1)

    section |= {"distance": "haversine", "absent_pairs": {"below": 10, "column": "returns"}}
    censored = read(folder, section, zones, (mass, mass, []))
    assert int(censored.allowed.sum()) == 3106 * 3105
    assert np.nanmin(censored.gauge) == 10
    listed = censored.distance_km[data.allowed]
    assert np.isfinite(censored.distance_km).all()
    assert np.abs(listed / data.distance_km[data.allowed] - 1).max() < 0.01
