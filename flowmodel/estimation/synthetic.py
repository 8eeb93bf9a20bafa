"""Synthetic data: a later census simulated by the model at known parameter values."""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
import xarray as xr

from flowmodel.config import Config, Override
from flowmodel.dynamics.registered import run as registered_run
from flowmodel.dynamics.registered import setup as registered
from flowmodel.dynamics.residents import setup
from flowmodel.dynamics.residents.run import run as run_residents
from flowmodel.errors import ConfigError
from flowmodel.estimation import draws, registered_metrics
from flowmodel.estimation.registered_census import BANDS
from flowmodel.gravity.chosen_law import chosen
from flowmodel.parameters.catalogue import registry
from flowmodel.parameters.registered import registered_parameters
from flowmodel.parameters.registry import Parameter
from flowmodel.zones import table as store
from flowmodel.zones.table import ZoneTable

_NOISE = {"noise", "noise_size"}
"""Parameters of every model that describe the errors of growth."""


def observe(table: ZoneTable, config: Config, noise: int | None = None) -> ZoneTable:
    """`table` with a census of the last year of `config.model`, simulated at `config.truth`, in whole persons.

    The simulated census counts residents and, with registration, residents registered elsewhere by band. Other counts
    of other censuses are kept with registration and dropped without it.

    Args:
        table: zones with the first census.
        config: the model, and the true parameter values.
        noise: seed of random errors drawn from the likelihoods of `fit.targets`; no errors by default.

    Raises:
        ConfigError: E-TRUTH, `[truth]` lacks a parameter or names an unknown one.
    """
    held = _held(config, noisy=noise is not None)
    fixed = config.model_copy(update={"parameters": {name: Override(fixed=value) for name, value in held.items()}})
    made = _residents(table, fixed) if config.model.stock is None else _registered(table, fixed)
    if noise is not None:
        made = _with_errors(np.random.default_rng(noise), table, config, held, made)
    residents, bands = (None if one is None else np.rint(one) for one in made)
    assert residents is not None
    return store.check(_with_census(table, config.model.years[1], residents, bands), "the synthetic census")


def _residents(table: ZoneTable, config: Config) -> tuple[np.ndarray, np.ndarray | None]:
    """Residents at the end [zone], and no bands."""
    built = setup.build(table, config, jnp.float64)
    return run_residents(built, built.registry.parameters(jnp.zeros(0))).closing[-1], None


def _registered(table: ZoneTable, config: Config) -> tuple[np.ndarray, np.ndarray | None]:
    """Residents at the end [zone], and the bands as a census counts them [band, zone]."""
    built = registered.build(table, config, jnp.float64)
    closed = registered_run.run(built, registered_parameters(built.registry, jnp.zeros(0), built.groups.names))
    return closed.closing[-1].sum(axis=0), registered_metrics.bands(built, closed)


def _with_errors(
    rng: np.random.Generator,
    table: ZoneTable,
    config: Config,
    truth: Mapping[str, float],
    made: tuple[np.ndarray, np.ndarray | None],
) -> tuple[np.ndarray, np.ndarray | None]:
    residents, bands = made
    start = table.population(config.model.years[0])
    counted = draws.residents(rng, start, residents, truth, config.fit)
    return counted, None if bands is None else draws.bands(rng, bands, truth, config.fit)


def _with_census(table: ZoneTable, year: int, residents: np.ndarray, bands: np.ndarray | None) -> xr.Dataset:
    """The table's data with this census instead of any other of that year."""
    old = table.data["population"]
    old = old.sel(year=old["year"] != year)
    added = xr.DataArray(residents[:, None], dims=("zone", "year"), coords={"zone": old["zone"], "year": [year]})
    population = xr.concat([old, added], dim="year").assign_attrs(old.attrs)
    population.attrs["source"] = f"{old.attrs['source']}; {year} made by the model from known parameters"
    data = table.data.drop_vars("population").drop_dims("year").assign(population=population)
    if bands is None:
        return data
    kept = [name for name in table.data.data_vars if str(name).startswith("census_")]
    counts = table.data[kept].sel(year=old["year"]).reindex(year=population["year"]).copy(deep=True)
    counts["census_in_migrants"].loc[{"year": year, "band": list(BANDS)}] = bands.T
    return data.assign({str(name): counts[name] for name in kept})


def _held(config: Config, *, noisy: bool) -> dict[str, float]:
    """True values of all parameters.

    Parameters of errors may be missing in `[truth]` unless errors are drawn; then their prior centres are used.
    """
    errors = _of_errors(config)
    model_only = {entry.name for entry in _entries(config)} - set(errors)
    needed = model_only | (set(errors) if noisy else set())
    given = set(config.truth)
    if needed - given or given - model_only - set(errors):
        raise ConfigError(
            "E-TRUTH",
            f"[truth] lacks {sorted(needed - given)}, has unknown {sorted(given - model_only - set(errors))}",
            "give every parameter of the model one value; parameters of errors need one if errors are drawn",
        )
    return errors | dict(config.truth)


def _of_errors(config: Config) -> dict[str, float]:
    """Parameters of the likelihoods alone, with the centres of their priors."""
    of_model = {entry.name for entry in _entries(config)} - _NOISE
    entries = _entries(config, config.fit.targets)
    return {entry.name: entry.prior_mean for entry in entries if entry.name not in of_model}


def _entries(config: Config, targets: tuple[str, ...] = ()) -> tuple[Parameter, ...]:
    """The parameters of the model and of the likelihoods of `targets`."""
    return registry(config.model, {}, chosen(config.model.law).parameters, targets).entries
