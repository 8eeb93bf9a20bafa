"""Forecasts: models fitted to one interval between censuses predict the end of the next interval."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from flowmodel.config import Config, Temporal, Variant
from flowmodel.config import Model as ModelSection
from flowmodel.dynamics.registered import setup as registered
from flowmodel.dynamics.registered.factored import rollout as factored
from flowmodel.dynamics.residents import rollout, setup
from flowmodel.estimation import objective, search
from flowmodel.estimation.search import Outcome, Progress
from flowmodel.evaluation import baselines as naive
from flowmodel.evaluation import map_covariates
from flowmodel.parameters.registered import registered_parameters
from flowmodel.zones.table import ZoneTable


@dataclasses.dataclass(frozen=True)
class Forward:
    """One forecast.

    Attributes:
        outcome: result of the search on the earlier interval.
        estimates: parameter values by name.
        then: modelled residents at the middle census, persons; NaN in zones not counted at both censuses [zone].
        predicted: residents at the end, persons, by model [zone].
    """

    outcome: Outcome
    estimates: dict[str, float]
    then: np.ndarray
    predicted: dict[str, np.ndarray]


def counted(table: ZoneTable, since: int, middle: int) -> np.ndarray:
    """Whether a zone was inhabited at both the first and the middle census [zone]."""
    with np.errstate(invalid="ignore"):
        return np.asarray((table.counted(since) > 0) & (table.counted(middle) > 0))


def forward(table: ZoneTable, config: Config, asked: Temporal, name: str, dtype: Any, progress: Progress) -> Forward:
    """Fits the variant `name` to the interval before `config.model.years` and predicts the end of the latter.

    Covariates of both censuses are centred and scaled with the moments of the first census. In the earlier interval
    every zone has the nation's birth and death rates; in the second it has its own, constant over the years.

    Raises:
        ConfigError: the configuration lacks something.
        ZonesError: the table lacks something.
    """
    variant, (middle, last) = asked.variants[name], config.model.years
    known = counted(table, asked.since, middle)
    early = _section(variant, (asked.since, middle))
    late = _section(variant, (middle, last))
    part = config.model_copy(update={"model": early, "parameters": {}, "fit": _growth_only(config)})
    built = setup.build(_early_table(table, asked, variant, known), part, dtype)
    before, now = _covariates(table, variant, known, (asked.since, middle))
    built = dataclasses.replace(built, zones=_with_covariates(built.zones, variant, before[known]))
    goal = objective.objective(built, part.fit)
    outcome = search.search(goal, built.registry.prior_centres(), part.fit, progress)
    natural = jnp.asarray(outcome.natural)
    then = np.full(len(known), np.nan)
    then[known] = np.asarray(goal.residents(built.registry.parameters(natural)))
    values = built.registry.values(outcome.natural)
    if variant.registered:
        end = _registered(table, config, late, now, values, dtype)
    else:
        end = _residents(table, config, late, variant, now, values, dtype)
    return Forward(outcome, values, then, {name: end})


def with_persistence(
    table: ZoneTable, asked: Temporal, middle: int, predicted: np.ndarray, then: np.ndarray
) -> np.ndarray:
    """A forecast times the residual of the earlier interval to the power `persistence`, persons [zone].

    The residual is counted / modelled residents at the middle census. One factor keeps the sum over these zones.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        residual = np.log(table.counted(middle) / then)
    shifted = predicted * np.exp(asked.persistence * residual)
    known = np.isfinite(shifted)
    return np.asarray(shifted * (predicted[known].sum() / shifted[known].sum()))


def least_squares(table: ZoneTable, asked: Temporal, name: str, middle: int) -> tuple[np.ndarray, np.ndarray]:
    """Least squares of log growth on the same covariates: residents at the end and at the middle, persons [zone]."""
    variant, known = asked.variants[name], counted(table, asked.since, middle)
    before, now = _covariates(table, variant, known, (asked.since, middle))
    start, end = table.counted(asked.since), table.counted(middle)
    growth = np.log(np.where(known, end, 1.0) / np.where(known, start, 1.0))
    fitted, ahead = (
        np.column_stack([np.ones(len(known)), np.log(np.where(people > 0, people, 1.0)), covariates])
        for people, covariates in ((start, before), (end, now))
    )
    coefficients = np.linalg.lstsq(fitted[known], growth[known], rcond=None)[0]
    then = np.where(known, start, np.nan) * np.exp(fitted @ coefficients)
    return end * np.exp(ahead @ coefficients), then


def baselines(table: ZoneTable, asked: Temporal, middle: int, natural_end: np.ndarray) -> dict[str, np.ndarray]:
    """Naive forecasts, persons [zone]; in uniform_national every zone grows as the nation did before."""
    known, start = counted(table, asked.since, middle), table.population(middle)
    found = naive.forward(start, table.counted(asked.since), natural_end)
    nation = start[known].sum() / table.counted(asked.since)[known].sum()
    return found | {"uniform_national": start * nation}


def _section(variant: Variant, years: tuple[int, int]) -> ModelSection:
    """The `[model]` section of a variant; the values of its covariates are inserted later (`_with_covariates`)."""
    return ModelSection(years=years, attraction=variant.attraction, departure=variant.departure)


def _growth_only(config: Config) -> Any:
    plain: dict[str, Any] = {"targets": ("growth", "national_total"), "weights": {}, "interprovincial": None}
    return config.fit.model_copy(update=plain)


def _names(variant: Variant) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*variant.attraction, *variant.departure)))


def _covariates(
    table: ZoneTable, variant: Variant, known: np.ndarray, years: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Covariates of both censuses, standardised with the moments of the first over known zones [zone, covariate]."""
    first, second = (map_covariates.covariates(table, year, known, _names(variant)) for year in years)
    mean, spread = first[known].mean(axis=0), first[known].std(axis=0)
    return (first - mean) / spread, (second - mean) / spread


def _with_covariates(zones: Any, variant: Variant, values: np.ndarray) -> Any:
    """`zones` of either model with the covariates `values` [zone, covariate]."""
    at = {name: i for i, name in enumerate(_names(variant))}
    blocks = {block: getattr(variant, block) for block in ("attraction", "departure")}
    columns = {block: jnp.asarray(values[:, [at[n] for n in names]]) for block, names in blocks.items()}
    return dataclasses.replace(zones, **columns)


def _early_table(table: ZoneTable, asked: Temporal, variant: Variant, known: np.ndarray) -> ZoneTable:
    """The zones counted at both earlier censuses, with national vital rates and columns for the covariates."""
    data = _with_columns(table, variant).data.isel(zone=np.flatnonzero(known))
    rates = {"birth_rate": asked.birth_rate, "death_rate": asked.death_rate}
    return ZoneTable(data.assign({n: data[n].copy(data=np.full(data.sizes["zone"], v)) for n, v in rates.items()}))


def _with_columns(table: ZoneTable, variant: Variant) -> ZoneTable:
    """`table` with placeholder columns for missing covariates of the variant; `_with_covariates` replaces them."""
    data = table.data
    for name in set(_names(variant)) - {str(key) for key in data.data_vars}:
        varying = np.arange(data.sizes["zone"], dtype=float)
        data = data.assign({name: ("zone", varying, {"role": "covariate", "units": "1", "source": "flowmodel"})})
    return ZoneTable(data)


def _residents(
    table: ZoneTable,
    config: Config,
    late: ModelSection,
    variant: Variant,
    now: np.ndarray,
    values: Mapping[str, float],
    dtype: Any,
) -> np.ndarray:
    part = config.model_copy(update={"model": late, "parameters": {}, "fit": _growth_only(config)})
    built = setup.build(_with_columns(table, variant), part, dtype)
    built = dataclasses.replace(built, zones=_with_covariates(built.zones, variant, now))
    parameters = built.registry.parameters(built.registry.vector(values))
    return np.asarray(rollout.residents(parameters, built.zones, built.pairs, built.calendar))


def _registered(
    table: ZoneTable, config: Config, late: ModelSection, now: np.ndarray, values: Mapping[str, float], dtype: Any
) -> np.ndarray:
    """The second interval by the registered model; parameters without an estimate are at their priors' centres."""
    stock = config.model.stock
    assert stock is not None
    variant = Variant(attraction=late.attraction, departure=late.departure)
    section = late.model_copy(update={"stock": stock})
    part = config.model_copy(update={"model": section, "parameters": {}, "fit": _growth_only(config)})
    built = registered.build(_with_columns(table, variant), part, dtype)
    country = dataclasses.replace(built.country, zones=_with_covariates(built.country.zones, variant, now))
    names = built.registry
    natural = names.vector({e.name: values.get(e.name, e.prior_mean) for e in names.free})
    end = factored.decade(registered_parameters(names, natural, built.groups.names), country)
    return np.asarray(jnp.sum(end.residents, axis=0))
