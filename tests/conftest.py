"""Settings of every test, the folder of real data, and a panel of nine square counties to check by hand."""

import copy
import csv
import os
import shutil
import tempfile
import warnings
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import jax
import pytest
import quick
import shapely
from benchmarks import peer_process
from checkout import ROOT
from jax._src import compiler  # jax.jit takes options one by one; a test cannot give them to programs of the packages

from geo import config as zones_config
from geo.errors import DataError, Issue
from geo.sources import panel

jax.config.update("jax_enable_x64", val=True)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

LONGEST = (
    "geo/sources/harmonised/test_real.py",
    "commands/test_real.py",
    "commands/test_evaluate_command.py",
    "flowmodel/evaluation/test_evaluation.py",
    "commands/test_commands.py",
)
CODES = ("110101", "110102", "110103", "110201", "110202", "110203", "120101", "120102", "120103")
HEADER = ("code", "name", "prov", "prov_name", "pref", "lon", "lat", "km2", "p2010", "p2020")
HEADER += ("birth", "death", "school", "urban")
# Three rows of three squares of one degree, counted from the south-west; two provinces.
ROWS = [
    ["110101", "A", "11", "P", "1101", "103.5", "34.5", "9000", "100", "110", "12", "7", "8.0", "50"],
    ["110102", "B", "11", "P", "1101", "104.5", "34.5", "9000", "200", "210", "12", "7", "9.0", "100"],
    ["110103", "C", "11", "P", "1101", "105.5", "34.5", "9000", "300", "310", "12", "7", "10.0", "150"],
    ["110201", "D", "11", "P", "1102", "103.5", "35.5", "9000", "400", "410", "12", "7", "11.0", "200"],
    ["110202", "E", "11", "P", "1102", "104.5", "35.5", "9000", "500", "510", "12", "7", "12.0", "250"],
    ["110203", "NA", "11", "P", "1102", "105.5", "35.5", "9000", "600", "610", "12", "7", "7.0", "300"],
    ["120101", "G", "12", "Q", "1201", "103.5", "36.5", "8000", "700", "710", "10", "6", "8.0", "350"],
    ["120102", "H", "12", "Q", "1201", "104.5", "36.5", "8000", "800", "810", "10", "6", "9.0", "400"],
    ["120103", "I", "12", "Q", "1201", "105.5", "36.5", "8000", "900", "910", "10", "6", "6.0", "450"],
]
SECTION = {
    "source": "panel",
    "polygons": {"file": "squares.gpkg", "code": "code", "datum": "wgs84"},
    "table": {
        "file": "census.csv",
        "code": "code",
        "name": "name",
        "province": "prov",
        "province_name": "prov_name",
        "prefecture": "pref",
        "lon": "lon",
        "lat": "lat",
        "area": {"column": "km2", "unit": "km2"},
    },
    "population": {
        "2010": {"column": "p2010", "unit": "persons", "definition": "resident", "date": date(2010, 11, 1)},
        "2020": {"column": "p2020", "unit": "persons", "definition": "resident", "date": date(2020, 11, 1)},
    },
    "rates": {
        "birth": {"column": "birth", "unit": "per_mille"},
        "death": {"column": "death", "unit": "per_mille"},
    },
    "covariates": {
        "schooling": {"column": "school", "unit": "years"},
        "urban_share": {"column": "urban", "per": "p2010", "unit": "1"},
    },
}


def _squares() -> gpd.GeoDataFrame:
    boxes = [shapely.box(103 + i, 34 + j, 104 + i, 35 + j) for j in range(3) for i in range(3)]
    return gpd.GeoDataFrame({"code": list(CODES)}, geometry=boxes, crs="EPSG:4326")


@dataclass
class SmallPanel:
    """A panel that a test bends before it is written: rows of text, polygons, and the config section."""

    folder: Path
    header: list[str] = field(default_factory=lambda: list(HEADER))
    rows: list[list[str]] = field(default_factory=lambda: copy.deepcopy(ROWS))
    polygons: gpd.GeoDataFrame = field(default_factory=_squares)
    section: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(SECTION))

    def set(self, code: str, column: str, text: str) -> None:
        """Write one cell of the table."""
        next(row for row in self.rows if row[0] == code)[self.header.index(column)] = text

    def write_table(self, encoding: str = "utf-8") -> None:
        """Write the census table."""
        with (self.folder / "census.csv").open("w", newline="", encoding=encoding) as file:
            csv.writer(file).writerows([self.header, *self.rows])

    def write(self) -> zones_config.PanelConfig:
        """Write both files and read the section."""
        self.write_table()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "'crs' was not provided")  # some tests want just that
            self.polygons.to_file(self.folder / "squares.gpkg", layer="squares")
        return self.parse()

    def parse(self) -> zones_config.PanelConfig:
        """Read the section alone."""
        config = zones_config.parse(self.section, self.folder)
        assert isinstance(config, zones_config.PanelConfig)
        return config

    @staticmethod
    def errors_of(config: zones_config.PanelConfig) -> list[Issue]:
        """Build, and give the errors that came of it."""
        with pytest.raises(DataError) as caught:
            panel.build(config)
        return [issue for issue in caught.value.issues if issue.severity == "error"]

    @staticmethod
    def only(issues: list[Issue]) -> Issue:
        """Give the one issue there is, which says what was expected and what to do."""
        assert [issue.code for issue in issues] == [issues[0].code]
        assert issues[0].rule
        assert issues[0].fix
        return issues[0]


@pytest.fixture(scope="module")
def compiled_quickly():
    """For fits of little worlds, whose time is the compiler's; the kernels have tests of the code that users run."""
    before, options_of = jax.config.read("jax_disable_most_optimizations"), compiler.get_compile_options

    def options(*args: Any, env_options_overrides: dict[str, Any] | None = None, **kwargs: Any) -> Any:
        both = quick.COMPILER | (env_options_overrides or {})
        return options_of(*args, env_options_overrides=both, **kwargs)

    jax.config.update("jax_disable_most_optimizations", val=True)
    compiler.get_compile_options = options
    yield
    compiler.get_compile_options = options_of
    jax.config.update("jax_disable_most_optimizations", before)


def pytest_configure(config: pytest.Config) -> None:
    """Commands share a cache of compiled programs that begins empty and ends with the session; workers inherit it."""
    if not hasattr(config, "workerinput") and "FLOWMODEL_CACHE" not in os.environ:
        folder = tempfile.mkdtemp(prefix="flowmodel-tests-")
        os.environ["FLOWMODEL_CACHE"] = f"{folder}/cache"
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The modules that take longest first, so that no worker ends alone with one; what needs real data says so."""
    for item in items:
        if "data_dir" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.data)
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(_path(item), len(order)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips what needs something that is not here, and says what; `data_dir` does so for the real data."""
    if item.get_closest_marker("gpu") and jax.default_backend() == "cpu":
        pytest.skip("no accelerator")
    if item.get_closest_marker("peers") and peer_process.interpreter() is None:
        pytest.skip(f"no other packages: {peer_process.INSTALL}")


def _path(item: pytest.Item) -> str:
    return item.path.relative_to(ROOT / "tests").as_posix()


@pytest.fixture
def small_panel(tmp_path: Path) -> SmallPanel:
    """Nine square counties in a folder of their own, not yet written."""
    return SmallPanel(tmp_path)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data, or a skip that says why."""
    folder = os.environ.get("FLOWMODEL_DATA")
    if not folder:
        pytest.skip("FLOWMODEL_DATA is not set")
    if not Path(folder).is_dir():
        pytest.skip(f"FLOWMODEL_DATA names no folder: {folder}")
    return Path(folder).resolve()
