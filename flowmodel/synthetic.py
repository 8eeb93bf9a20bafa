"""Worlds with a known truth: a later census made by the model itself from named parameter values."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
import xarray as xr

from flowmodel import model, store
from flowmodel.config import Config, Override
from flowmodel.errors import ConfigError
from flowmodel.parameters import registry
from flowmodel.store import ZoneTable


def observe(table: ZoneTable, config: Config) -> ZoneTable:
    """`table` with the residents of the last year of `config.model`, whole persons, as `config.truth` makes them.

    Raises:
        ConfigError: `[truth]` lacks a parameter of the model, or names one it does not have.
    """
    built = model.build(table, config.model_copy(update={"parameters": _held(config)}), jnp.float64)
    closed = model.run(built, built.registry.parameters(jnp.zeros(0)))
    end = np.rint(closed.closing[-1])
    old = table.data["population"]
    old = old.sel(year=old["year"] != built.years[1])
    added = xr.DataArray(end[:, None], dims=("zone", "year"), coords={"zone": old["zone"], "year": [built.years[1]]})
    population = xr.concat([old, added], dim="year").assign_attrs(old.attrs)
    population.attrs["source"] = f"{old.attrs['source']}; {built.years[1]} made by the model from known parameters"
    data = table.data.drop_vars("population").drop_dims("year").assign(population=population)
    return store.check(data, "the synthetic census")


def _held(config: Config) -> Mapping[str, Override]:
    """Every parameter held at its true value; the noise of an observation plays no part in making one."""
    wanted = {entry.name for entry in registry(config.model, {}).entries} - {"noise", "noise_size"}
    if wanted != set(config.truth):
        raise ConfigError(
            "E-TRUTH",
            f"[truth] lacks {sorted(wanted - set(config.truth))}, has unknown {sorted(set(config.truth) - wanted)}",
            "give every parameter of the model one value",
        )
    held = {name: Override(fixed=value) for name, value in config.truth.items()}
    return held | {"noise": Override(fixed=0.1), "noise_size": Override(fixed=20.0)}
