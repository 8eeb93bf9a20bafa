"""The model of residents by place of registration."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.config import Config, Stock
from flowmodel.config.paths import located
from flowmodel.dynamics.registered import setup
from flowmodel.dynamics.registered.accounts import RegisteredAccounts
from flowmodel.dynamics.registered.run import flows, run
from flowmodel.dynamics.registered.setup import RegisteredSetup
from flowmodel.estimation import census, registered_metrics
from flowmodel.estimation.registered_objective import RegisteredObjective, objective
from flowmodel.models.model import OfCounties, Writer, csv, netcdf
from flowmodel.parameters.registered import RegisteredParameters, registered_parameters
from flowmodel.results import registered as tables
from flowmodel.results import residents as results
from flowmodel.zones.table import ZoneTable


@dataclasses.dataclass(frozen=True)
class Registered(OfCounties):
    """People by where they are registered and where they live (see `models.model.Model`)."""

    setup: RegisteredSetup

    @classmethod
    def build(cls, table: ZoneTable, config: Config, base: Path, dtype: Any) -> Self:
        """The model of `config` on `table`; raises as `dynamics.registered.setup.build`."""
        return cls(setup.build(table, config, dtype), config, base)

    def announce(self) -> Iterator[str]:
        """The path that computes the stock, the storage of the kernel, and what was assumed of the first census."""
        yield str(self.setup.plan)
        yield str(self.setup.storage)
        for what, rows in self.setup.margins.assumed.groupby("what", sort=False):
            people = (rows["assumed"] - rows["counted"]).sum()
            yield f"assumed: {what}: {len(rows)} zones, {people:+,.0f} people (assumptions.csv)"

    def objective(self) -> RegisteredObjective:
        """What is fitted: growth, bands, and the other targets of the configuration."""
        of, between = self.config.fit.interprovincial, None
        if of is not None:
            between = census.provinces(self.table, str(located(self.base, of.file)), of)
        return objective(self.setup, self.config.fit, between)

    def run(self, natural: Float[Array, " free"]) -> RegisteredAccounts:
        """The closed accounts at natural values."""
        return run(self.setup, self._parameters(natural))

    def end(self, closed: RegisteredAccounts) -> np.ndarray:
        """Residents at the end, persons [zone]."""
        return np.asarray(closed.closing[-1].sum(axis=0))

    def files(self, closed: RegisteredAccounts) -> Iterator[tuple[str, Writer]]:
        """Results, the accounts of residents and of registered people, the stock, and the assumptions."""
        yield "results.nc", netcdf(tables.dataset(self.setup, closed))
        yield "accounts.csv", csv(tables.accounts_table(self.setup, closed))
        yield "registered.csv", csv(tables.registered_table(self.setup, closed))
        yield "stock.csv", csv(tables.stock_table(self.setup, closed))
        yield "provinces.csv", csv(tables.provinces_table(self.setup, closed))
        yield "assumptions.csv", csv(self.setup.margins.assumed)
        yield "growth.csv", csv(results.growth_table(self.setup, self.end(closed)))
        yield "zones.csv", csv(results.zones_table(self.table))
        if closed.children is not None:
            yield "children.csv", csv(tables.children_table(self.setup, closed))

    def report(self, closed: RegisteredAccounts) -> dict[str, Any]:
        """Growth beside its baselines, how well the accounts close, and the registered stock beside the census."""
        known = self.known()["ols"]
        growth, baselines = results.growth_scores(self.setup, self.end(closed), self.natural_end(), known)
        residual = max(abs(closed.residual()).max(), abs(closed.registered_residual()).max())
        fitted, counted = registered_metrics.bands(self.setup, closed), registered_metrics.counted_bands(self.setup)
        bands = {name: registered_metrics.scores(fitted[i], counted[i]) for i, name in enumerate(census.BANDS)}
        children = closed.children
        return {
            "growth": growth,
            "baselines": baselines,
            "accounts": {
                "largest_residual_persons": float(residual),
                "largest_national_residual": float(abs(closed.national_residual()).max()),
            },
            "path": str(self.setup.plan),
            "bands": bands,
            "names": registered_metrics.national(self.setup, closed),
            "initial": registered_metrics.initial(self.setup, closed),
            **({} if children is None else {"children": registered_metrics.national_children(self.setup, children)}),
        }

    def natural_end(self) -> np.ndarray:
        """Residents at the end if nobody moved, persons [zone]."""
        return results.natural_only(self.table, self.years[0], self.setup.country.calendar)

    def known(self) -> dict[str, np.ndarray]:
        """As much as the model knows ("ols"), and its plain covariates alone ("ols_plain") [zone, column]."""
        section = self.config.model
        assert section.stock is not None
        names = {name for one in (section.attraction, section.departure, *_covariates(section.stock)) for name in one}
        plain = [self.table.covariate(name) for name in sorted(names)]
        rates = [self.table.values(name) for name in ("birth_rate", "death_rate", "east")]
        return {"ols": tables.known(self.setup), "ols_plain": results.distinct([*rates, *plain])}

    def residents(self, natural: Float[Array, " free"]) -> Float[Array, " zone"]:
        """Residents at the end, persons; differentiable in the natural values."""
        return jnp.sum(self.objective().decade(natural).residents, axis=0)

    def flows(self, natural: Float[Array, " free"], year: int) -> Float[np.ndarray, "zone zone"]:
        """Moves from origin to destination in the year that ends with `year`, of all groups, persons."""
        return flows(self.setup, self._parameters(natural), year)

    def _parameters(self, natural: Float[Array, " free"]) -> RegisteredParameters:
        return registered_parameters(self.registry, jnp.asarray(natural), self.setup.groups.names)


def _covariates(stock: Stock) -> list[tuple[str, ...]]:
    """The lists of covariates that a registered stock names."""
    return [value for key, value in stock.model_dump().items() if key.endswith("covariates")]
