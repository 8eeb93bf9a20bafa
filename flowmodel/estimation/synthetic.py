"""Synthetic data: a later census simulated by the model at known parameter values, and random errors of its counts."""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
import xarray as xr

from flowmodel.config import Config, Fit, Override
from flowmodel.dynamics.registered import run as registered_run
from flowmodel.dynamics.registered import setup as registered
from flowmodel.dynamics.residents import setup
from flowmodel.dynamics.residents.run import run as run_residents
from flowmodel.errors import ConfigError
from flowmodel.estimation import registered_metrics
from flowmodel.estimation.census import BANDS
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
    residents, bands = _residents(table, fixed) if config.model.stock is None else _registered(table, fixed)
    if noise is not None:
        rng, start = np.random.default_rng(noise), table.population(config.model.years[0])
        residents = drawn_residents(rng, start, residents, held, config.fit)
        bands = None if bands is None else drawn_bands(rng, bands, held, config.fit)
    bands = None if bands is None else np.rint(bands)
    return store.check(_with_census(table, config.model.years[1], np.rint(residents), bands), "the synthetic census")


def _residents(table: ZoneTable, config: Config) -> tuple[np.ndarray, np.ndarray | None]:
    """Residents at the end [zone], and no bands."""
    built = setup.build(table, config, jnp.float64)
    return run_residents(built, built.registry.parameters(jnp.zeros(0))).closing[-1], None


def _registered(table: ZoneTable, config: Config) -> tuple[np.ndarray, np.ndarray | None]:
    """Residents at the end [zone], and the bands as a census counts them [band, zone]."""
    built = registered.build(table, config, jnp.float64)
    closed = registered_run.run(built, registered_parameters(built.registry, jnp.zeros(0), built.groups.names))
    return closed.closing[-1].sum(axis=0), registered_metrics.bands(built, closed)


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
        what = f"[truth] lacks {sorted(needed - given)}, has unknown {sorted(given - model_only - set(errors))}"
        fix = "give every parameter of the model one value; parameters of errors need one if errors are drawn"
        raise ConfigError("E-TRUTH", what, fix)
    return errors | dict(config.truth)


def _of_errors(config: Config) -> dict[str, float]:
    """Parameters of the likelihoods alone, with the centres of their priors."""
    of_model = {entry.name for entry in _entries(config)} - _NOISE
    entries = _entries(config, config.fit.targets)
    return {entry.name: entry.prior_mean for entry in entries if entry.name not in of_model}


def _entries(config: Config, targets: tuple[str, ...] = ()) -> tuple[Parameter, ...]:
    """The parameters of the model and of the likelihoods of `targets`."""
    return registry(config.model, {}, chosen(config.model.law).parameters, targets).entries


def drawn_residents(
    rng: np.random.Generator, start: np.ndarray, end: np.ndarray, values: Mapping[str, float], fit: Fit
) -> np.ndarray:
    """Counted residents at the end, persons [zone], given modelled residents `end`.

    Errors of growth are Student's t. If the national total is a target, zones are scaled to a total drawn with its own
    standard deviation, since the sum of independent errors of zones has another one.
    """
    scale = np.sqrt(values["noise"] ** 2 + values["noise_size"] ** 2 / np.where(start > 0, start, 1.0))
    counted = end * np.exp(scale * rng.standard_t(fit.degrees_of_freedom, len(end)))
    return _closed(rng, counted, end, fit.national_sd) if "national_total" in fit.targets else counted


def drawn_bands(rng: np.random.Generator, predicted: np.ndarray, values: Mapping[str, float], fit: Fit) -> np.ndarray:
    """Counted residents registered elsewhere at the end, persons [band, zone], given the `predicted` ones.

    A band that is a target has negative binomial errors; other bands have none.
    """
    counted = np.array(predicted, float)
    for i, name in enumerate(BANDS):
        if name in fit.targets:
            size = 1 / values[f"dispersion_{name}"]
            counted[i] = rng.negative_binomial(size, size / (size + predicted[i]))
        if "national_bands" in fit.targets:
            counted[i] = _closed(rng, counted[i], predicted[i], fit.bands_sd)
    return counted


def _closed(rng: np.random.Generator, counted: np.ndarray, expected: np.ndarray, sd: float) -> np.ndarray:
    """`counted`, scaled to the expected total times a log-normal error."""
    return np.asarray(counted * (expected.sum() * np.exp(sd * rng.normal()) / counted.sum()))
