"""From a configuration file to a checked table of zones; the one place where maps and model meet on the way in."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from flowmodel import config as configuration
from flowmodel.config import Config
from flowmodel.errors import ConfigError
from flowmodel.runs.folder import RunFolder, prepare
from flowmodel.runs.provenance import ROOT, provenance, write_issues
from flowmodel.zones import table as store
from flowmodel.zones.table import ZoneTable

if TYPE_CHECKING:
    from pydantic import BaseModel


_SMALLEST_TILE = 16


@dataclasses.dataclass(frozen=True)
class Request:
    """A configuration with where it came from: paths in it are relative to `base`; messages name `source`."""

    config: Config
    tables: dict[str, Any]
    base: Path
    out: Path
    source: str = "config"


def request(file: Path, settings: Sequence[str], out: Path | None) -> Request:
    """Reads a configuration file with its `--set` overrides.

    Raises:
        ConfigError: see `flowmodel.config`.
    """
    tables = configuration.overridden(file, settings)
    config = configuration.parse(tables, str(file))
    return Request(config, tables, file.resolve().parent, out or Path("runs") / config.run.name, str(file))


def obtain(asked: Request, folder: RunFolder) -> ZoneTable:
    """The zones of a run: read from the file the configuration names, or built from its sources into the run.

    Raises:
        ConfigError: `[zones]` is wrong, or the run would overwrite a crosswalk that somebody has edited.
        DataError: the sources are; `issues.csv` has every problem.
        ZonesError: the file is.
    """
    from flowmodel.runs import console

    folder.check_unedited()
    if "file" in asked.config.zones:
        return _ready(asked, folder)
    with console.steps("building zones"):
        return _built(asked, folder)


def _ready(asked: Request, folder: RunFolder) -> ZoneTable:
    """The zones of a ready file, kept in the run with the polygons that lie beside it."""
    name = asked.config.zones["file"]
    if set(asked.config.zones) != {"file"} or not isinstance(name, str):
        raise ConfigError("E-CONFIG-KEY", "[zones] file is no path, or not alone", "give one file, or sources")
    file = located(asked.base, name)
    table = _completed(store.read_zones(file), asked.config)
    polygons = file.with_suffix(".gpkg")
    shapes = polygons.read_bytes() if polygons.is_file() else None
    folder.clear()
    folder.write("zones.nc", partial(store.write, table.data))
    if shapes is not None:
        folder.write("zones.gpkg", lambda path: path.write_bytes(shapes))
    return table


def located(base: Path, name: str) -> Path:
    """A path of a configuration in the folder `base`: relative to it, with ${FLOWMODEL_DATA} written out."""
    data = os.environ.get("FLOWMODEL_DATA", str(ROOT / "data"))
    return (base / name.replace("${FLOWMODEL_DATA}", data)).resolve()


def _built(asked: Request, folder: RunFolder) -> ZoneTable:
    from pydantic import ValidationError

    from geo import assemble
    from geo import config as sources
    from geo.errors import DataError

    try:
        section = sources.parse(asked.config.zones, asked.base)
    except ValidationError as error:
        text = configuration.validation_text(error, _form(asked.config.zones), "zones")
        raise ConfigError("E-CONFIG-KEY", f"{asked.source}: {text}", "see docs/configs.md") from None
    if isinstance(section, sources.HarmonisedConfig) and section.harmonise.crosswalk is not None:
        folder.check_outside(section.harmonise.crosswalk)
    try:
        built = assemble.build(section, asked.config.run.seed)
    except DataError as error:
        write_issues(folder, error.issues)
        raise
    table = _completed(store.check(built.dataset, "zones.nc"), asked.config)
    folder.clear()
    write_issues(folder, built.issues)
    shapes = assemble.with_numbers(built.polygons, table.data)  # a [truth] has made its own last census
    folder.write("zones.gpkg", lambda path: shapes.to_file(path, layer="zones", driver="GPKG"))
    for name, frame in built.tables.items():
        folder.write_table(name, frame.to_csv(index=False))
    folder.write("zones.nc", partial(store.write, table.data))
    for rule in table.rules:
        print(f"declared rule: {rule}", file=sys.stderr)
    return table


def _form(zones: dict[str, Any]) -> type[BaseModel]:
    """What a section that names its source should have held; without a known source, a panel."""
    from geo import config as sources

    match zones.get("source"):
        case "harmonised":
            return sources.HarmonisedConfig
        case "builtin":
            return sources.BuiltinConfig
    return sources.PanelConfig


def _completed(table: ZoneTable, config: Config) -> ZoneTable:
    """A world with a [truth] gets its last census from it."""
    if not config.truth:
        return table
    from flowmodel.estimation import synthetic

    prepare(config.runtime)
    return synthetic.observe(table, config)


def kind(config: Config) -> ModuleType:
    """The module that goes through a run of this configuration: with registration, or of residents alone."""
    import importlib

    return importlib.import_module("_residents" if config.model.stock is None else "_registered")


def in_tiles(asked: Request, table: ZoneTable, dtype: Any, work: Callable[[Any], Any]) -> tuple[Any, Any]:
    """The model of a configuration, said how its kernel is held, and what `work` makes of it.

    Where S is made in tiles and memory runs out all the same, the model is built again with tiles of half the size.

    Args:
        asked: the configuration.
        table: its zones.
        dtype: precision of the pair kernel.
        work: what is done with the model; it leaves nothing behind where it fails.

    Raises:
        ResourceError: E-MEMORY, the smallest tiles do not fit either.
    """
    from flowmodel import runtime

    of = kind(asked.config)
    model = of.build(table, asked.config, dtype)
    of.announce(model)
    side = of.tile(model)
    if not side:
        return model, work(model)

    def attempt(tile: int) -> tuple[Any, Any]:
        smaller = model if tile == side else of.build(table, _with_tile(asked.config, tile), dtype)
        return smaller, work(smaller)

    return runtime.retrying(attempt, side, _SMALLEST_TILE, lambda line: print(line, file=sys.stderr))


def _with_tile(config: Config, tile: int) -> Config:
    return config.model_copy(update={"runtime": config.runtime.model_copy(update={"way": "tiled", "tile": tile})})


def write_run(asked: Request, folder: RunFolder, kind: ModuleType, model: Any, closed: Any) -> None:
    """Writes what every run leaves behind, fitted or simulated."""
    import tomli_w

    from flowmodel.results import residents

    folder.write_text("config.toml", tomli_w.dumps(resolved(asked)))
    kind.write(folder, model, closed)
    growth = residents.growth_table(model, kind.end(closed))
    folder.write("growth.csv", lambda path: growth.to_csv(path, index=False))
    folder.write("zones.csv", lambda path: residents.zones_table(model.table).to_csv(path, index=False))
    folder.write_json(
        "provenance.json",
        provenance(asked.out, asked.config.run.seed, model.table.inputs, synthetic=model.table.synthetic),
    )


def resolved(asked: Request) -> dict[str, Any]:
    """The configuration with every default written out, as TOML can hold it."""
    tables = asked.config.model_dump(mode="json", exclude_none=True)
    return {key: _text_keys(value) for key, value in tables.items()}


def _text_keys(value: Any) -> Any:
    return {str(key): _text_keys(inner) for key, inner in value.items()} if isinstance(value, dict) else value
