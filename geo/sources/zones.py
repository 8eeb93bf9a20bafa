"""Zones in Python: from the section `[zones]` of a configuration, or from polygons and a table in memory."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from geo import config
from geo.coordinates import crs
from geo.sources import assemble, panel
from geo.sources.assemble import Build
from geo.tables import table as tables

_POLYGONS, _TABLE = "polygons", "table"
_RESIDENTS = {"unit": "persons", "definition": "resident"}


def build_zones(
    section: Mapping[str, Any] | None = None,
    *,
    polygons: gpd.GeoDataFrame | None = None,
    table: pd.DataFrame | None = None,
    code: str = "code",
    name: str = "name",
    population: Mapping[int, str | Mapping[str, Any]] | None = None,
    rates: Mapping[str, float | Mapping[str, Any]] | None = None,
    covariates: Sequence[str] | Mapping[str, Mapping[str, Any]] = (),
    base: Path | str = ".",
    seed: int = 0,
) -> Build:
    """Build zones, with every check that the commands make.

    Give the section `[zones]` of a configuration as a dictionary; or polygons and a table in memory, with the names of
    their columns. In memory, the section may hold further keys, such as `{"polygons": {"datum": "wgs84"}}`; messages
    name "table" and "polygons" with the row, counted from 1.

    Args:
        section: Keys of `[zones]`, as the configuration reference lists them.
        polygons: One polygon for each zone, with a coordinate system and the column `code`.
        table: One row for each zone, with the columns `code` and `name`.
        code: Column with the zone code, in both.
        name: Column with the name, in the table.
        population: The column of residents by census year; or a dictionary with the keys of `[zones.population.YEAR]`.
        rates: "birth" and "death", per resident and year: one number for all zones, or the keys of
            `[zones.rates.birth]`. A rate that is not given is assumed to be zero, with a warning.
        covariates: Columns that are shares; or for each name the keys of `[zones.covariates.NAME]`.
        base: Folder that paths of the section start from.
        seed: Seed of the built-in country.

    Returns:
        The zones, with `dataset` (the content of `zones.nc`), `polygons`, `issues` (warnings) and `tables`; a run takes
        them as `zones=`.

    Raises:
        pydantic.ValidationError: A key is wrong.
        DataError: The inputs are wrong; `issues` lists every problem.
    """
    if polygons is None or table is None:
        return assemble.build(config.parse(dict(section or {}), Path(base)), seed)
    keys = dict(section or {})
    whole: dict[str, Any] = {
        "source": "panel",
        "polygons": {"file": _POLYGONS, "code": code, **keys.pop("polygons", {})},
        "table": {"file": _TABLE, "code": code, "name": name, **keys.pop("table", {})},
        "population": {str(year): _census(year, given) for year, given in (population or {}).items()},
        "rates": {kind: _rate(given) for kind, given in (rates or {}).items()},
        "covariates": _covariates(covariates),
    }
    parsed = config.parse({**whole, **keys}, Path(base))
    assert isinstance(parsed, config.PanelConfig)
    system = crs.resolve(polygons.crs, parsed.polygons.crs, _POLYGONS)
    rows = tables.of_frame(table, parsed.table)
    layer = polygons.reset_index(drop=True).set_crs(system, allow_override=True)
    inputs = (_described(_POLYGONS, polygons.to_wkb(), crs.name(system)), _described(_TABLE, table, None))
    return assemble.of_source(panel.join(parsed, rows, (layer, system), [], inputs))


def _census(year: int, given: str | Mapping[str, Any]) -> dict[str, Any]:
    keys = {"column": given} if isinstance(given, str) else dict(given)
    return {**_RESIDENTS, "date": pd.Timestamp(year, 11, 1).date(), **keys}


def _rate(given: float | Mapping[str, Any]) -> dict[str, Any]:
    return dict(given) if isinstance(given, Mapping) else {"value": float(given), "unit": "1"}


def _covariates(given: Sequence[str] | Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    if isinstance(given, Mapping):
        return {name: dict(keys) for name, keys in given.items()}
    return {name: {"column": name, "unit": "1"} for name in given}


def _described(name: str, frame: pd.DataFrame, system: str | None) -> dict[str, object]:
    """How `zones.nc` lists an input in memory: its rows, and the SHA-256 of their hashes."""
    rows = pd.util.hash_pandas_object(pd.DataFrame(frame), index=False).to_numpy()
    digest = hashlib.sha256(rows.tobytes()).hexdigest()
    return {"file": f"{name} (in memory)", "sha256": digest, "rows": len(frame), "crs": system}
