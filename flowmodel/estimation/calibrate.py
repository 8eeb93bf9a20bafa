"""A whole fit: search, standard errors, profile likelihoods, and a run of the model at the optimum."""

import dataclasses
from collections.abc import Callable
from typing import Generic, TypeVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.config import Fit
from flowmodel.errors import ConfigError, NumericError
from flowmodel.estimation import inference, profile, search
from flowmodel.estimation.inference import Inference
from flowmodel.estimation.posterior import Posterior
from flowmodel.estimation.profile import Profile
from flowmodel.estimation.search import Outcome, Progress

GROWTH_ONLY = (
    "fitted to growth alone: growth depends on net migration, not on flows between zones, so the level of migration "
    "and the barriers (other_province, same_prefecture, the divide) follow from assumptions and must not be interpreted"
)

NO_OPTIMUM = "the search has not converged: estimates and standard errors are not those of an optimum"
_NET_MIGRATION_ONLY = frozenset({"growth", "national_total", "registered"})
"""Targets that contain no information on flows between zones."""

Closed = TypeVar("Closed")


@dataclasses.dataclass(frozen=True)
class Fitted(Generic[Closed]):
    """A finished fit: objective, result of the search, uncertainty, accounts of the run, and profiles."""

    objective: Posterior
    outcome: Outcome
    inference: Inference
    accounts: Closed
    profiles: tuple[Profile, ...] = ()

    def flags(self) -> list[str]:
        """Warnings in one word each, besides the verdict: at_bound, not_identified, growth_only."""
        found = sorted({"at_bound", "not_identified"} & set(self.inference.status))
        return [*found, "growth_only"] if self._growth_only else found

    @property
    def _growth_only(self) -> bool:
        return set(self.objective.targets) <= _NET_MIGRATION_ONLY

    def targets(self) -> dict[str, dict[str, float]]:
        """Negative log likelihood of each target at the optimum, and its weight."""
        terms, weights = self.objective.terms(jnp.asarray(self.outcome.natural)), dict(self.objective.weights)
        return {
            name: {"negative_log_likelihood": float(value), "weight": weights.get(name, 1.0)}
            for name, value in terms.items()
        }

    def identification(self) -> dict[str, object]:
        """The block of `metrics.json` on how well the data identify the parameters."""
        known = self.inference
        worst = known.correlations()[:5]
        directions = {"posterior": known.sloppy, "data": known.sloppy_data}
        return {
            "condition": known.condition,
            "condition_data": known.condition_data,
            "asymmetry": known.asymmetry,
            "relative_se": inference.relative_se(known, self.outcome.natural),
            "sloppy_direction": {name: found and found.as_dict() for name, found in directions.items()},
            "worst_correlation": {"parameters": list(worst[0][:2]), "correlation": worst[0][2]} if worst else None,
            "worst_correlations": [{"parameters": [a, b], "correlation": r} for a, b, r in worst],
            "profiles": {one.name: one.as_dict() for one in self.profiles},
            "warnings": self._warnings(),
        }

    def _warnings(self) -> list[str]:
        unfinished = [] if self.outcome.verdict == "converged" else [NO_OPTIMUM]
        growth_only = [GROWTH_ONLY] if self._growth_only else []
        return [*unfinished, *growth_only, *self.inference.warnings(), *profile.warnings(self.profiles)]


def calibrate(
    goal: Posterior, run: Callable[[Float[Array, " free"]], Closed], fit: Fit, seed: int, progress: Progress
) -> Fitted[Closed]:
    """Minimises `goal` over the free parameters, runs the model at the optimum, and computes profiles.

    Raises:
        ConfigError: every parameter is fixed, or a parameter to be profiled is.
        NumericError: the objective is not finite, or an account does not balance.
    """
    registry = goal.registry
    if not registry.free:
        raise ConfigError("E-FIT-NOTHING", "every parameter is fixed", "free one, or run scripts/simulate.py")
    profiled = profile.names(registry, fit.profile)
    start = registry.prior_centres() if fit.start == "prior" else registry.draw(seed)
    outcome = search.search(goal, start, fit, progress)
    if outcome.verdict == "nonfinite" or not np.isfinite(outcome.natural).all():
        steps, values = len(outcome.trace), registry.values(outcome.natural)
        what = f"the objective is not finite after {steps} steps; the last finite values are {values}"
        fix = "narrow the bounds of parameters that are at them, or lower fit.adam_rate"
        raise NumericError("E-FIT-NONFINITE", what, fix)
    natural = jnp.asarray(outcome.natural)
    closed = run(natural)
    known = inference.infer(goal, natural, outcome.derivatives)
    return Fitted(goal, outcome, known, closed, profile.profiles(goal, outcome, known, profiled, progress))
