"""The cells of a country as zones: real counties, whose people are spread evenly over their cells."""

import dataclasses
import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import geo
from benchmarks import case_townships
from flowmodel.runs.folder import RunFolder
from flowmodel.runs.request import read_config
from flowmodel.runs.zones import obtain

BORDERS = {"divide": (), "province": ("province",), "county": ("province", "prefecture", "county")}
"""What counts besides the divide, by the name of a case."""


@dataclasses.dataclass(frozen=True)
class GridCase:
    """A grid under a county model at the centres of its priors."""

    model: Any
    parameters: Any
    cells: Any

    def year(self, borders: str, dtype: str = "float64") -> Callable[[], Any]:
        """One year of all cells, waited for, with the operator made before."""
        import jax
        import jax.numpy as jnp

        from flowmodel.dynamics.cells import downscaling, operator, year

        ground = downscaling.support(
            self.cells, self.model.table, self.model.zones, self.parameters, self.model.covariates
        )
        offset = float(self.model.registry["offset_km"].fixed or 0)
        options: dict[str, Any] = {"within": "none", "dtype": dtype, "levels": BORDERS[borders]}
        kernel = operator.build(self.parameters, self.cells, self.model.table, offset, **options)
        population = jnp.asarray(self.cells.population)
        first = jax.tree.map(lambda path: path[0], self.model.calendar)
        return lambda: jax.block_until_ready(year.year(self.parameters, ground, kernel, population, first))


@functools.cache
def country(config: Path, cell_m: float, settings: tuple[str, ...] = ()) -> GridCase:
    """The cells of the counties of a configuration and what is set over it."""
    import jax.numpy as jnp

    from flowmodel.dynamics.residents import setup
    from flowmodel.zones.cells import GridCells
    from geo.coordinates.crs import china_albers, project
    from geo.grid.places import Places, east
    from geo.raster.grid import covering
    from geo.raster.zonal import assign_cells

    asked = read_config(config, settings)
    with tempfile.TemporaryDirectory() as folder:
        table = obtain(asked, RunFolder(Path(folder)), geo.Maps())
        polygons = _polygons(Path(folder) / "zones.gpkg", table.codes)
    model = setup.build(table, asked.config, jnp.float32)
    shapes = project(np.asarray(polygons.array), polygons.crs, china_albers())
    grid = covering(_bounds(shapes), china_albers(), cell_m)
    ownership = assign_cells(shapes, grid, tuple(table.codes))
    rows = slice(0, grid.shape_yx[0])
    zone = np.asarray(ownership.owner, np.int32)
    people = np.append(table.population(asked.config.model.years[0]) / ownership.cells, 0.0)[zone]
    side = east(grid, rows, Places(ownership, None).zone(rows)) == 1
    axes = (np.arange(grid.shape_yx[1]) * cell_m, -np.arange(grid.shape_yx[0]) * cell_m)
    cells = GridCells(people, zone, side, {}, *axes, cell_m / 1000, "", [], table.synthetic)
    values = model.registry.values(np.asarray(model.registry.prior_centres()))
    # The same barrier in both directions, as the NumPy grid has only one.
    values |= {"divide_east_west": 0.4, "divide_west_east": 0.4}
    return GridCase(model, model.registry.parameters(model.registry.vector(values)), cells)


def square(side: int) -> Callable[[], Any]:
    """One product over the cells of a square, all of them zones of one side, waited for."""
    import jax
    import jax.numpy as jnp

    from flowmodel import runtime
    from flowmodel.gravity.spectral import operator, plan

    everywhere = np.ones((side, side), bool)
    cells = plan.on_device(plan.plan(everywhere, everywhere, 1.0, {}))
    made = runtime.program(operator.build, static_argnames="dtype")
    parameters = case_townships.townships(2).parameters
    kernel = made(parameters, cells, jnp.asarray(10.0), dtype=jnp.dtype("float32"))
    weight = jnp.asarray(np.random.default_rng(0).random((side, side)), jnp.float32)
    product = runtime.program(lambda kernel, weight: kernel.matvec(weight))
    return lambda: jax.block_until_ready(product(kernel, weight))


def _polygons(file: Path, codes: np.ndarray) -> Any:
    import geopandas as gpd

    frame = gpd.read_file(file, engine="pyogrio").set_index("code")
    return frame.loc[list(codes)].geometry


def _bounds(shapes: Any) -> tuple[float, float, float, float]:
    import shapely

    left, bottom, right, top = (float(edge) for edge in shapely.total_bounds(shapes))
    return left, bottom, right, top
