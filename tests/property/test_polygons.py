"""Polygons bent at random: a coded error, or every zone once, with its people, its land and its place."""

import copy
import warnings
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from bent_layers import BENT, Bent, Record, bend, layer
from hypothesis import example, given, reject
from hypothesis import strategies as st
from properties import Tally, cases, complete

from geo import config as zones_config
from geo.errors import DataError
from geo.layers import polygons
from geo.sources import assemble

pytestmark = pytest.mark.fuzz

# A repair may change an area by a thousandth; the shift of web maps turns and stretches by less.
REPAIRED = 2e-3
DEGREE_KM = 111.195
WRITERS = {"squares.gpkg": "GPKG", "squares.geojson": "GeoJSON", "squares.shp": "ESRI Shapefile", "squares.parquet": ""}


def declare(section: dict[str, Any], bent: Bent) -> None:
    options, layer_options = bent.options, section["polygons"]
    layer_options |= {"repair": "make_valid"} if "repair" in options else {}
    layer_options |= {name: True for name in ("dissolve", "swap_xy") if name in options}
    layer_options |= {"datum": "gcj02"} if "gcj02" in options else {"datum": "wgs84"} if "wgs84" in options else {}
    layer_options |= {"exclude": list(bent.exclude)} if bent.exclude else {}
    declared = bent.system[2]
    if declared is not None:
        known = declared if declared != "Albers" else assemble.panel.crs.china_albers().to_wkt()
        layer_options["crs"] = known
    for name in [*(("lon", "lat") if "own_position" in options else ()), *(("area",) if "own_area" in options else ())]:
        del section["table"][name]


def area_by_hand(shape: shapely.Geometry) -> float:
    """The shoelace formula: shells less holes, square degrees."""

    def ring(of: shapely.LinearRing) -> float:
        (x, y), *_ = (np.array(of.coords)[:, :2].T,)
        x, y = x - x[0], y - y[0]
        return abs(float(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1]))) / 2

    parts = shapely.get_parts(shape)
    return sum(ring(part.exterior) - sum(map(ring, part.interiors)) for part in parts)


def check(build: assemble.Build, records: list[Record], bent: Bent, people: dict[str, tuple[int, int]]) -> None:
    """Compare what was built with the records before they went into a file."""
    data, shapes = build.dataset, build.polygons.geometry.to_numpy()
    assert data["zone"].values.tolist() == build.polygons["code"].tolist() == sorted(people)
    assert data["population"].values.tolist() == [list(people[code]) for code in sorted(people)]
    assert shapely.is_valid(shapes).all()
    assert set(shapely.get_type_id(shapes)) <= {3, 6}
    assert not shapely.has_z(shapes).any()
    assert (data["area"].values > 0).all()
    assert np.isfinite(data["area"].values).all()
    kept = [(code.strip(), shape) for code, shape in records if not code.startswith(bent.exclude or ("x",))]
    assert {code for code, _ in kept} == people.keys()
    assert len(kept) == len(people) or "dissolve" in bent.options
    for _, shape in kept:
        assert shape is not None
        assert shape.geom_type in ("Polygon", "MultiPolygon")
        assert len(shapely.get_coordinates(shape))
        assert np.isfinite(shapely.get_coordinates(shape)).all()
        assert shape.is_valid or "repair" in bent.options
    if not bent.edits and set(bent.system) <= {"EPSG:4326", "EPSG:4490", None}:
        assert ("swapped" in bent.options) == ("swap_xy" in bent.options)
    if bent.truthful:
        moved = 0.02 if "gcj02" in bent.options else 1e-6
        for code, shape in zip(sorted(people), shapes, strict=True):
            check_land([of for own, of in kept if own == code], shape, moved)
        check_places(build, bent)
    check_apart(shapes)


def check_land(own: list[shapely.Geometry], built: shapely.Geometry, moved: float) -> None:
    """A zone has the land of its records, where they are."""
    margin = max(2 * moved, 1e-6) if all(shape.is_valid for shape in own) else REPAIRED + 2 * moved
    least, most = max(map(area_by_hand, own)), sum(map(area_by_hand, own))
    area, digits = area_by_hand(built), 1e-13 * built.length
    assert least * (1 - margin) - digits <= area <= most * (1 + margin) + digits
    if len(own) > 1 and all(shape.is_valid for shape in own):
        assert area == pytest.approx(shapely.union_all(own).area, rel=margin, abs=digits)
    old, new = shapely.total_bounds(own), np.array(built.bounds)
    assert np.abs(old - new).max() <= moved


def check_places(build: assemble.Build, bent: Bent) -> None:
    """Positions lie in their zones, areas are those of the Earth."""
    data, shapes = build.dataset, build.polygons.geometry.to_numpy()
    lon, lat = data["lon"].values, data["lat"].values
    bounds = shapely.bounds(shapes).T
    for low, at, high in ((bounds[0], lon, bounds[2]), (bounds[1], lat, bounds[3])):
        assert (low - 0.5 <= at).all()
        assert (at <= high + 0.5).all()
    if "own_position" in bent.options:
        assert shapely.intersects_xy(shapely.buffer(shapes, 1e-9), lon, lat).all()
    if "own_area" in bent.options:
        degrees = np.array([area_by_hand(shape) for shape in shapes])
        middle = np.cos(np.deg2rad(shapely.get_y(shapely.centroid(shapes))))
        small = (np.ptp(bounds[[1, 3]], axis=0) < 2) & (np.ptp(bounds[[0, 2]], axis=0) < 2)
        assert data["area"].values[small] == pytest.approx((degrees * DEGREE_KM**2 * middle)[small], rel=0.02)


def check_apart(shapes: np.ndarray) -> None:
    """No land is in two zones, but for the width of a pen."""
    areas = shapely.area(shapes)
    for first, second in np.argwhere(np.triu(np.ones((len(shapes), len(shapes))), 1)):
        shared = shapely.intersection(shapes[first], shapes[second]).area
        assert shared <= 1.1e-4 * min(areas[first], areas[second]) + 1e-15


@pytest.fixture
def sound(small_panel: Any) -> Any:
    """The panel of nine squares, written once."""
    small_panel.write()
    return small_panel


def run(sound: Any, bent: Bent, records: list[Record], file: str, tally: Tally) -> None:
    """Build with one bent layer, and judge what comes of it."""
    section = copy.deepcopy(sound.section)
    declare(section, bent)
    section["polygons"]["file"] = file
    config = zones_config.parse(section, sound.folder)
    assert isinstance(config, zones_config.PanelConfig)
    people = {row[0]: (int(row[8]), int(row[9])) for row in sound.rows}
    build = tally.run(lambda: assemble.build(config, 1))
    if build is not None:
        complete(build.issues)
        check(build, records, bent, people)


def squares(sound: Any, bent: Bent) -> list[Record]:
    codes, shapes = sound.polygons["code"], sound.polygons.geometry
    with np.errstate(invalid="ignore"):  # some shapes are meant to be broken
        return bend(list(zip(codes, shapes, strict=True)), bent.edits)


def test_a_bent_layer_is_refused_or_all_land_is_there(sound: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tally = Tally()
    now: dict[str, gpd.GeoDataFrame] = {}
    monkeypatch.setattr(polygons, "open_layer", lambda config, where: now["layer"])

    @given(BENT)
    @example(Bent((("parts", 0), ("hole", 1, 0.5), ("z", 2))))
    @example(Bent((("records", 4, 0.0),), frozenset(("dissolve", "own_area", "own_position"))))
    @example(Bent((("add", "710101", 110.0),), exclude=("71",)))
    @example(Bent((), frozenset(("swapped", "swap_xy")), ("EPSG:32648", None, "EPSG:32648")))
    @example(Bent((), frozenset(("swapped", "own_position"))))
    @example(Bent((("bowtie", 4),), frozenset(("repair",))))
    @example(Bent((("grow", 4, 1.01),), frozenset(("repair",))))
    @cases(400)
    def case(bent: Bent) -> None:
        records = squares(sound, bent)
        with np.errstate(invalid="ignore"):
            now["layer"] = layer(records, bent)
        run(sound, bent, records, "squares.gpkg", tally)

    case()
    tally.check(400, 0.05)


def test_a_bent_file_is_refused_or_all_land_is_there(sound: Any) -> None:
    tally = Tally()

    @given(BENT, st.sampled_from(list(WRITERS)))
    @cases(50)
    def case(bent: Bent, file: str) -> None:
        records = squares(sound, bent)
        path = sound.folder / file
        for part in path.parent.glob("squares.*"):
            part.unlink()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                frame = layer(records, bent)
                frame.to_file(path, driver=WRITERS[file]) if WRITERS[file] else frame.to_parquet(path)
            except (DataError, ValueError, RuntimeError):
                reject()  # this kind of file cannot hold it
        run(sound, bent, records, file, tally)

    case()
    tally.check(50, 0.05)
