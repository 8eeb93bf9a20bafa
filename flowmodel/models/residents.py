"""The model of residents alone, without registration."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.config import Config
from flowmodel.dynamics.residents import rollout, setup
from flowmodel.dynamics.residents.accounts import Accounts
from flowmodel.dynamics.residents.run import flows, run
from flowmodel.dynamics.residents.setup import Setup
from flowmodel.estimation.objective import Objective, objective
from flowmodel.models.model import OfCounties, Writer, csv, netcdf
from flowmodel.results import residents as results
from flowmodel.zones.table import ZoneTable


@dataclasses.dataclass(frozen=True)
class Residents(OfCounties):
    """Residents of zones, moved year by year by one kernel (see `models.model.Model`)."""

    setup: Setup

    @classmethod
    def build(cls, table: ZoneTable, config: Config, base: Path, dtype: Any) -> Self:
        """The model of `config` on `table`, its pair kernel in `dtype`; raises as `dynamics.residents.setup.build`."""
        return cls(setup.build(table, config, dtype), config, base)

    def announce(self) -> Iterator[str]:
        """How the kernel is stored, and the memory that it takes."""
        yield str(self.setup.storage)

    def objective(self) -> Objective:
        """Growth and the national total, as far as they are targets, and priors."""
        return objective(self.setup, self.config.fit)

    def run(self, natural: Float[Array, " free"]) -> Accounts:
        """The closed accounts at natural values."""
        return run(self.setup, self.registry.parameters(jnp.asarray(natural)))

    def end(self, closed: Accounts) -> np.ndarray:
        """Residents at the end, persons [zone]."""
        return np.asarray(closed.closing[-1])

    def files(self, closed: Accounts) -> Iterator[tuple[str, Writer]]:
        """Results and accounts."""
        yield "results.nc", netcdf(results.dataset(self.setup, closed))
        yield "accounts.csv", csv(results.accounts_table(self.setup, closed))
        yield "growth.csv", csv(results.growth_table(self.setup, self.end(closed)))
        yield "zones.csv", csv(results.zones_table(self.table))

    def report(self, closed: Accounts) -> dict[str, Any]:
        """Growth beside its baselines, and how well the accounts close."""
        known = self.known()["ols"]
        growth, baselines = results.growth_scores(self.setup, self.end(closed), self.natural_end(), known)
        return {
            "growth": growth,
            "baselines": baselines,
            "accounts": {
                "largest_residual_persons": float(abs(closed.residual()).max()),
                "largest_national_residual": float(abs(closed.national_residual()).max()),
            },
        }

    def natural_end(self) -> np.ndarray:
        """Residents at the end if nobody moved, persons [zone]."""
        return results.natural_only(self.table, self.years[0], self.setup.calendar)

    def known(self) -> dict[str, np.ndarray]:
        """Vital rates, side of the divide and covariates [zone, column]."""
        return {"ols": results.known(self.setup)}

    def residents(self, natural: Float[Array, " free"]) -> Float[Array, " zone"]:
        """Residents at the end, persons; differentiable in the natural values."""
        of = self.setup
        return rollout.residents(self.registry.parameters(natural), of.zones, of.pairs, of.calendar)

    def flows(self, natural: Float[Array, " free"], year: int) -> Float[np.ndarray, "zone zone"]:
        """Moves from origin to destination in the year that ends with `year`, persons."""
        return flows(self.setup, self.registry.parameters(jnp.asarray(natural)), year)
