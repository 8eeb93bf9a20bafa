"""A fit from end to end: objective, search, uncertainty, and the run at the optimum with its accounts closed."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np

from flowmodel import model as models
from flowmodel.config import Fit
from flowmodel.dynamics.accounts import Accounts
from flowmodel.errors import ConfigError, NumericError
from flowmodel.fit import inference, optimise
from flowmodel.fit.inference import Inference
from flowmodel.fit.objective import Objective
from flowmodel.fit.observation import census
from flowmodel.fit.optimise import Outcome, Progress
from flowmodel.model import Model

GROWTH_ONLY = (
    "fitted to growth alone: a census's growth sees net gains, not who moved where, so the level of moves and the "
    "barriers (other_province, same_prefecture, the divide) hang on the model's form and must not be interpreted"
)

NO_OPTIMUM = "the search has not converged: estimates and standard errors are those of a point on the way"


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A finished fit: where the search ended, what is known there, and the accounts of the run at that point."""

    objective: Objective
    outcome: Outcome
    inference: Inference
    accounts: Accounts

    def flags(self) -> list[str]:
        """What a reader must know besides the verdict: at_bound, not_identified, growth_only."""
        return [*sorted({"at_bound", "not_identified"} & set(self.inference.status)), "growth_only"]

    def targets(self) -> dict[str, dict[str, float]]:
        """Negative log likelihood of each target at the optimum."""
        terms = self.objective.terms(jnp.asarray(self.outcome.natural))
        return {name: {"negative_log_likelihood": float(value)} for name, value in terms.items()}

    def identification(self) -> dict[str, object]:
        """The block of `metrics.json` on what the data can tell."""
        worst = self.inference.correlations()[:5]
        unfinished = [] if self.outcome.verdict == "converged" else [NO_OPTIMUM]
        return {
            "condition": self.inference.condition,
            "worst_correlation": {"parameters": list(worst[0][:2]), "correlation": worst[0][2]} if worst else None,
            "worst_correlations": [{"parameters": [a, b], "correlation": r} for a, b, r in worst],
            "warnings": [*unfinished, GROWTH_ONLY, *self.inference.warnings()],
        }


def objective(model: Model, fit: Fit) -> Objective:
    """The objective of `model` against the censuses of its first and last year."""
    end = jnp.asarray(model.table.population(model.years[1]))
    observed = census(model.zones.population, end)
    return Objective(
        zones=model.zones,
        pairs=model.pairs,
        years=model.calendar,
        observed=observed,
        registry=model.registry,
        targets=fit.targets,
        priors=fit.priors,
        degrees_of_freedom=fit.degrees_of_freedom,
        national_sd=fit.national_sd,
    )


def calibrate(model: Model, fit: Fit, seed: int, progress: Progress) -> Fitted:
    """Fits the free parameters of `model` to the censuses.

    Raises:
        ConfigError: every parameter is fixed.
        NumericError: the search met a value that is not finite, or an account did not close.
    """
    goal = objective(model, fit)
    registry = model.registry
    if not registry.free:
        raise ConfigError("E-FIT-NOTHING", "every parameter is fixed", "free one, or run scripts/simulate.py")
    start = registry.prior_centres() if fit.start == "prior" else registry.draw(seed)
    outcome = optimise.search(goal, start, fit, progress)
    if outcome.verdict == "nonfinite" or not np.isfinite(outcome.natural).all():
        raise NumericError(
            "E-FIT-NONFINITE",
            f"the objective stopped being finite after {len(outcome.trace)} steps; last good: "
            f"{registry.values(outcome.natural)}",
            "tighten the bounds of the parameters at their limits, or lower fit.adam_rate",
        )
    natural = jnp.asarray(outcome.natural)
    closed = models.run(model, registry.parameters(natural))
    return Fitted(goal, outcome, inference.infer(goal, natural), closed)
