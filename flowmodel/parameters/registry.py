"""Types of parameters: `Parameter`, `Registry` (all parameters of a run) and `Parameters` (values for the kernels).

A `Registry` converts between natural values and the unconstrained vector over which a fit searches. The parameters
themselves are listed in `catalogue`.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.errors import ConfigError

_AT_BOUND = 1e-3
"""Distance from a bound, as a share of the range, below which a parameter can count as at the bound (`at_bound`)."""
_MARGIN = 0.01
"""Least distance of prior centres and starts from the bounds, as a share of the range."""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One number of the model.

    `lower` and `upper` are hard bounds, `fixed` the value of a parameter that is not fitted. The prior is normal with
    `prior_mean` and `prior_sd`; on the log scale it is log-normal with median `prior_mean` and log standard deviation
    `prior_sd`.
    """

    name: str
    symbol: str
    unit: str
    lower: float
    upper: float
    prior_mean: float
    prior_sd: float
    source: str
    fixed: float | None = None
    prior_scale: Literal["natural", "log"] = "natural"

    def __post_init__(self) -> None:
        """Refuses bounds that are not ordered, a fixed value outside them, and a prior mean too close to a bound."""
        margin = _MARGIN * (self.upper - self.lower) if self.fixed is None else 0.0
        value = self.prior_mean if self.fixed is None else self.fixed
        if not self.lower < self.upper or not self.lower + margin <= value <= self.upper - margin:
            what = f"{self.name}: {value} in [{self.lower}, {self.upper}]"
            fix = "give lower < upper, a fixed value between them, and a prior mean at least 1 % of the range inside"
            raise ConfigError("E-PARAMETER-BOUND", what, fix)
        if self.prior_scale == "log" and self.lower <= 0:
            what = f"{self.name}: lower = {self.lower}"
            raise ConfigError("E-PARAMETER-BOUND", what, "a log-normal prior needs a positive bound")

    def from_score(self, score: float) -> float:
        """The value `score` standard deviations from the prior's centre."""
        shift = score * self.prior_sd
        return float(self.prior_mean * np.exp(shift) if self.prior_scale == "log" else self.prior_mean + shift)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Parameters:
    """Natural values, in the units of `docs/model.md`.

    `decay` holds one value for each parameter of the decay law, `barriers` those of barriers by name, `attraction` and
    `departure` one for each covariate.
    """

    mass: Float[Array, ""]
    decay: Float[Array, " decay"]
    barriers: Mapping[str, Float[Array, ""]]
    departure_level: Float[Array, ""]
    birth_adjustment: Float[Array, ""]
    attraction: Float[Array, " attraction"]
    departure: Float[Array, " departure"]
    noise: Float[Array, ""]
    noise_size: Float[Array, ""]


@dataclasses.dataclass(frozen=True)
class Registry:
    """The parameters of one run, in the order of every vector and table.

    Attributes:
        entries: the parameters.
        decay: names of those of the decay law.
        barriers: names of those of barriers.
    """

    entries: tuple[Parameter, ...]
    decay: tuple[str, ...]
    barriers: tuple[str, ...]

    @property
    def free(self) -> tuple[Parameter, ...]:
        """The parameters that are fitted."""
        return tuple(entry for entry in self.entries if entry.fixed is None)

    def __getitem__(self, name: str) -> Parameter:
        """The parameter called `name`."""
        return next(entry for entry in self.entries if entry.name == name)

    def natural(self, unconstrained: Float[Array, " free"]) -> Float[Array, " free"]:
        """Natural values, inside their bounds, from unconstrained ones."""
        lower, upper = self._bounds()
        return lower + (upper - lower) * jax.nn.sigmoid(unconstrained)

    def unconstrained(self, natural: Float[Array, " free"]) -> Float[Array, " free"]:
        """The inverse of `natural`; a value at a bound is moved inside by 1e-9 of the range."""
        lower, upper = self._bounds()
        share = jnp.clip((natural - lower) / (upper - lower), 1e-9, 1 - 1e-9)
        return jnp.log(share) - jnp.log1p(-share)

    def vector(self, values: Mapping[str, float]) -> Float[Array, " free"]:
        """The free parameters' natural values as a vector, from a mapping by name."""
        return jnp.asarray([values[entry.name] for entry in self.free], float)

    def values(self, natural: Iterable[float]) -> dict[str, float]:
        """All parameters by name, fixed ones included, from the free ones' natural values."""
        fitted = dict(zip((entry.name for entry in self.free), map(float, natural), strict=True))
        return {e.name: fitted[e.name] if e.fixed is None else e.fixed for e in self.entries}

    def lookup(self, natural: Float[Array, " free"]) -> dict[str, Float[Array, ""]]:
        """Every parameter's value by name, fixed ones included, from the free ones' natural values (differentiable)."""
        position = {entry.name: i for i, entry in enumerate(self.free)}
        return {
            e.name: natural[position[e.name]] if e.fixed is None else jnp.asarray(e.fixed, natural.dtype)
            for e in self.entries
        }

    def parameters(self, natural: Float[Array, " free"]) -> Parameters:
        """Values for the kernels from the free parameters' natural values (differentiable)."""
        return parameters(self.lookup(natural), self)

    def at_bound(self, natural: Float[Array, " free"], gradient: np.ndarray) -> np.ndarray:
        """Which free parameters are at a bound with the gradient pointing outwards (Karush-Kuhn-Tucker condition).

        The `gradient` is that of the objective to be minimised, by natural values.
        """
        lower, upper = (np.asarray(bound) for bound in self._bounds())
        share = (np.asarray(natural) - lower) / (upper - lower)
        push = gradient * np.asarray(self.prior_sds())
        return np.asarray(((share < _AT_BOUND) & (push > _AT_BOUND)) | ((share > 1 - _AT_BOUND) & (push < -_AT_BOUND)))

    def prior_centres(self) -> Float[Array, " free"]:
        """Centres of the priors of the free parameters, natural values."""
        return jnp.asarray([entry.prior_mean for entry in self.free])

    def prior_sds(self) -> Float[Array, " free"]:
        """Prior standard deviations of the free parameters in natural units; linearised if the prior is log-normal."""
        return jnp.asarray([e.prior_sd * (e.prior_mean if e.prior_scale == "log" else 1) for e in self.free])

    def prior_scores(self, natural: Float[Array, " free"]) -> Float[Array, " free"]:
        """Distances of the free parameters from their priors' centres, in standard deviations."""
        log = jnp.asarray([entry.prior_scale == "log" for entry in self.free])
        sd = jnp.asarray([entry.prior_sd for entry in self.free])
        positive = jnp.where(log, natural, 1.0) / jnp.where(log, self.prior_centres(), 1.0)
        return jnp.where(log, jnp.log(positive), natural - self.prior_centres()) / sd

    def draw(self, seed: int) -> Float[Array, " free"]:
        """A random start from the priors, at least 1 % of the range away from the bounds."""
        lower, upper = (np.asarray(bound) for bound in self._bounds())
        scores = np.random.default_rng(seed).normal(size=len(self.free))
        draw = [entry.from_score(score) for entry, score in zip(self.free, scores, strict=True)]
        margin = _MARGIN * (upper - lower)
        return jnp.asarray(np.clip(draw, lower + margin, upper - margin))

    def _bounds(self) -> tuple[Float[Array, " free"], Float[Array, " free"]]:
        return jnp.asarray([e.lower for e in self.free], float), jnp.asarray([e.upper for e in self.free], float)


def parameters(values: Mapping[str, Float[Array, ""]], registry: Registry) -> Parameters:
    """Values for the kernels from values by name."""
    several = {"decay", "barriers", "attraction", "departure"}
    scalars = {f.name: values[f.name] for f in dataclasses.fields(Parameters) if f.name not in several}
    blocks = {name: block(values, name) for name in ("attraction", "departure")}
    return Parameters(
        **scalars,
        **blocks,
        decay=jnp.stack([values[name] for name in registry.decay]),
        barriers={name: values[name] for name in registry.barriers},
    )


def block(values: Mapping[str, Float[Array, ""]], prefix: str) -> Float[Array, " covariates"]:
    """The values named "prefix:…", in their order."""
    found = [value for name, value in values.items() if name.startswith(f"{prefix}:")]
    return jnp.stack(found) if found else jnp.zeros(0)
