"""What a fit to a flow table leaves behind: parameters, effects, scores and flows as tables and dictionaries."""

import dataclasses
from statistics import NormalDist
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import pyarrow as pa

from flowmodel.config.flows import Draws
from flowmodel.errors import FlowsError
from flowmodel.estimation.inference import INTERVAL
from flowmodel.interaction import local as local_fits
from flowmodel.interaction.calibrate import Calibrated, known_flows
from flowmodel.interaction.draws import draw
from flowmodel.interaction.likelihood import log_likelihood
from flowmodel.interaction.model.design import EFFECTS
from flowmodel.interaction.model.laws import LAWS
from flowmodel.interaction.model.pair import as_arrays
from flowmodel.interaction.model.table import FlowTable, Specification
from flowmodel.interaction.scoring import dispersion, scores
from flowmodel.results import flow_effects

_HALF_WIDTH = NormalDist().inv_cdf((1 + INTERVAL) / 2)
_OVERDISPERSED = 4.0
"""Pearson's dispersion at which the model's standard errors are half of what they should be."""
_SOURCES = {"negative_binomial": "maximum likelihood", "quasi_poisson": "quasi-likelihood"}


def parameters(fit: Calibrated, covariance: np.ndarray) -> pd.DataFrame:
    """The rows of `parameters.csv`: coefficients of the utility, so that a decay is negative."""
    names, estimates = fit.built.names, fit.estimates
    covariance = covariance if fit.optimum.converged else np.full_like(covariance, np.nan)
    errors = np.sqrt(np.where(np.diag(covariance) >= 0, np.diag(covariance), np.nan))
    source = _SOURCES.get(fit.specification.family, "Poisson pseudo-maximum likelihood")
    rows = [
        _row(name, value, error, "fitted", source) for name, value, error in zip(names, estimates, errors, strict=True)
    ]
    if fit.family.binomial:
        rows.append(_row("dispersion", float(fit.family.dispersion), fit.dispersion_se, "fitted", source))
    rows += [_row(name, value, np.nan, "fixed", "configuration") for name, value in fit.specification.held.items()]
    rows += [
        _row(name, np.nan, np.nan, "absorbed", f"the {fit.specification.constraint} constraint")
        for name in fit.built.absorbed
    ]
    table = pd.DataFrame(rows)
    table["unit"] = [fit.specification.law.units.get(name, "1") for name in table["name"]]
    return table


def _row(name: str, estimate: float, se: float, status: str, source: str) -> dict[str, Any]:
    return {
        "name": name,
        "symbol": name,
        "estimate": estimate,
        "se": se,
        "interval_lower": estimate - _HALF_WIDTH * se,
        "interval_upper": estimate + _HALF_WIDTH * se,
        "lower": np.nan,
        "upper": np.nan,
        "unit": "1",
        "status": status,
        "source": source,
    }


def metrics(fit: Calibrated, bin_km: float) -> dict[str, Any]:
    """The scores of `metrics.json`, over the pairs that took part and whose flow is known."""
    seen = fit.in_fit & known_flows(fit.table, fit.specification)
    distance = fit.table.pair.distance_km
    found: dict[str, Any] = dict(
        scores.scores(
            fit.table.flow, fit.fitted, seen, None if distance is None else np.asarray(distance), bin_km=bin_km
        )
    )
    of_null = log_likelihood.null(fit.built.design, fit.family)
    null_deviance = fit.deviance + 2 * (fit.log_likelihood - of_null)
    found |= {
        "pairs": fit.pairs,
        "pairs_listed": int((fit.in_fit & fit.table.listed).sum()),
        "deviance": fit.deviance,
        "null_deviance": null_deviance,
        "d2": 1 - fit.deviance / null_deviance,
        "log_likelihood": fit.log_likelihood,
        "aic": fit.aic,
        "parameters": len(fit.built.names),
        "degrees": fit.degrees,
        "pseudo_r2": 1 - fit.log_likelihood / of_null,
        "dispersion": _dispersion(fit, seen),
        "level": flow_effects.level(fit),
        "separated_pairs": int(fit.separated.sum()),
        "separated_people": float(fit.table.flow[fit.separated].sum()),
    }
    return found


def _dispersion(fit: Calibrated, seen: np.ndarray) -> dict[str, float]:
    """Pearson's, and the tests of Cameron and Trivedi against both negative binomials."""
    found: dict[str, float] = {"pearson": fit.pearson}
    if fit.family.binomial:
        return found | {"alpha": float(fit.family.dispersion)}
    for alternative in get_args(dispersion.Variance):
        test = dispersion.overdispersion(fit.table.flow, fit.fitted, seen, variance=alternative)
        found |= {f"{alternative}_{key}": value for key, value in dataclasses.asdict(test).items()}
    return found


def flows(fit: Calibrated, table: FlowTable) -> pa.Table:
    """The rows of `flows.parquet`, one a pair that can be: origin, destination, observed, fitted, residual, separated.

    Flows are in persons. Observed and residual are null where a table with a threshold does not list the pair, for its
    flow is not known.
    """
    rows, columns = np.nonzero(table.allowed)
    unknown = fit.specification.censoring is not None
    observed, fitted = table.flow[rows, columns], fit.fitted[rows, columns]
    hidden = ~table.listed[rows, columns] if unknown else np.zeros(len(rows), dtype=bool)
    separated = fit.separated[rows, columns]
    return pa.table(
        {
            "origin": labelled(table.origins, rows),
            "destination": labelled(table.destinations, columns),
            "observed": pa.array(observed, mask=hidden),
            "fitted": pa.array(fitted),
            "residual": pa.array(observed - fitted, mask=hidden),
            "separated": pa.array(separated),
        }
    )


def labelled(labels: tuple[str, ...], index: np.ndarray) -> pa.DictionaryArray:
    """A column of labels, given by their indexes."""
    return pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int32)), pa.array(labels, pa.string()))


def flags(fit: Calibrated, se: str) -> list[str]:
    """What a reader must know before the numbers.

    "separated": pairs that no finite parameters fit; "overdispersed": flows scatter at least twice as far as by the
    Poisson law whose standard errors are shown; "margins_not_held": the family's effects are no balancing factors;
    "censored", "truncated": what the source does not list.
    """
    found = ["separated"] if np.any(fit.separated) else []
    if se == "model" and fit.specification.family == "poisson" and fit.pearson > _OVERDISPERSED:
        found.append("overdispersed")
    if fit.family.binomial and (fit.built.design.origin_effects or fit.built.design.destination_effects):
        found.append("margins_not_held")
    if fit.specification.censoring is not None:
        found.append(fit.specification.censoring.unlisted)
    return found


def check_local(specification: Specification) -> None:
    """Refuses what a small Poisson regression for every zone cannot do.

    Raises:
        FlowsError: the law is not linear in its parameters, coefficients are held, or the table has a threshold.
    """
    law = specification.law
    if law.shape is not None or law.factor is not None:
        fix = f"take one of {', '.join(name for name, other in LAWS.items() if other.terms)}"
        raise FlowsError("E-LAW-LOCAL", f"law {law.name} has no linear terms to fit zone by zone", fix)
    if specification.held or specification.censoring is not None:
        what = "local fits know neither held coefficients nor a threshold of the list"
        raise FlowsError("E-LAW-LOCAL", what, 'take local = "none", or leave those out')


def local(fit: Calibrated, side: Literal["origin", "destination"]) -> pd.DataFrame:
    """The rows of `local.csv`: the same linear terms, fitted to the flows of one zone at a time.

    Raises:
        FlowsError: see `check_local`.
    """
    check_local(fit.specification)
    law, model = fit.specification.law, fit.specification
    masses = model.destination if side == "origin" else model.origin
    other = "destination" if side == "origin" else "origin"
    turned = np.asarray if side == "origin" else np.transpose
    pair = as_arrays(fit.table.pair)
    columns = {f"{other}:{name}": _wide(values, side) for name, values in masses.items()}
    columns |= {name: np.asarray(term(pair)) for name, term in law.terms.items()}
    columns |= {f"pair:{name}": np.asarray(values) for name, values in model.pairs.items()}
    # Pairs that take no part may have no number.
    columns = {name: turned(np.where(fit.in_fit, values, 0.0)) for name, values in columns.items()}
    labels = fit.table.origins if side == "origin" else fit.table.destinations
    return local_fits.fit(turned(fit.table.flow), turned(fit.in_fit), columns, labels)


def _wide(values: np.ndarray, side: str) -> np.ndarray:
    """A property of the other side's zones beside those of `side`; one of pairs as it is."""
    return values if values.ndim == 2 or side == "origin" else values[:, None]


def check_draws(specification: Specification, wanted: Draws) -> None:
    """Refuses a draw that holds what the model does not meet.

    Raises:
        FlowsError: the constraint or the family leaves those sums free, or the list hides a part of them.
    """
    met = {
        "total": True,
        "origin": EFFECTS[specification.constraint][0],
        "destination": EFFECTS[specification.constraint][1],
    }
    free = specification.family == "negative_binomial" or specification.censoring is not None
    if wanted.kind == "multinomial" and (free or not met[wanted.hold]):
        what = f"a {specification.constraint} model of this family and list does not meet sums by {wanted.hold}"
        raise FlowsError("E-FLOWS-HOLD", what, 'hold what it meets, or take kind = "poisson"')


def draws(fit: Calibrated, wanted: Draws, seed: int) -> pa.Table:
    """The rows of `draws.parquet`: draw, origin, destination, flow (persons), for every pair with somebody drawn.

    Raises:
        FlowsError: as `interaction.draws.draw`.
    """
    hold = None if wanted.kind == "poisson" else wanted.hold
    tables = []
    for number in range(wanted.count):
        drawn = draw(fit.fitted, fit.in_fit, seed=seed + number, hold=hold, kind=wanted.kind)
        rows, columns = np.nonzero(drawn)
        tables.append(
            pa.table(
                {
                    "draw": np.full(len(rows), number, dtype=np.int32),
                    "origin": labelled(fit.table.origins, rows),
                    "destination": labelled(fit.table.destinations, columns),
                    "flow": drawn[rows, columns],
                }
            )
        )
    return pa.concat_tables(tables)
