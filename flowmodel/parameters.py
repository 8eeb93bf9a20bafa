"""Every parameter of the model in one place: name, symbol, unit, bound, prior and source.

A `Parameters` is what kernels take (a pytree of natural values); a `Registry` is the list of `Parameter`s of one run,
which maps between natural values and the unconstrained vector that the optimiser moves.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.config import Model, Override
from flowmodel.errors import ConfigError

_AT_BOUND = 1e-3
"""A parameter within this share of its range of a bound is at the bound, if data or prior push it there."""
_MARGIN = 0.01
"""Share of the range by which the centre of a prior, and any start, keeps clear of the bounds."""


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
        """Refuses bounds that are not ordered, a fixed value outside them and a prior that is not well inside."""
        margin = _MARGIN * (self.upper - self.lower) if self.fixed is None else 0.0
        value = self.prior_mean if self.fixed is None else self.fixed
        if not self.lower < self.upper or not self.lower + margin <= value <= self.upper - margin:
            raise ConfigError(
                "E-PARAMETER-BOUND",
                f"{self.name}: {value} in [{self.lower}, {self.upper}]",
                "give lower < upper, the fixed value between them, the prior mean a hundredth of the range inside",
            )
        if self.prior_scale == "log" and self.lower <= 0:
            raise ConfigError(
                "E-PARAMETER-BOUND", f"{self.name}: lower = {self.lower}", "a log-normal prior needs a positive bound"
            )

    def from_score(self, score: float) -> float:
        """The value `score` standard deviations from the prior's centre."""
        shift = score * self.prior_sd
        return float(self.prior_mean * np.exp(shift) if self.prior_scale == "log" else self.prior_mean + shift)


_COVARIATE_SOURCE = "per standard deviation of the covariate; weak prior around no effect"
_BASE = (
    Parameter(
        "offset_km", "d0", "km", 0.1, 500, 10, 5, "internal distance of a county, science of 5-10 km", fixed=10.0
    ),
    Parameter("mass", "alpha", "1", 0.0, 2.0, 0.9, 0.2, "elasticity 0.8-1.2; 0.44 between provinces (Gu et al. 2022)"),
    Parameter("distance", "beta", "1", 0.02, 4.0, 1.1, 0.3, "elasticity 0.6-1.6 in Chinese studies", prior_scale="log"),
    Parameter(
        "other_province", "delta_p", "1", -1.0, 4.0, 1.0, 0.5, "0.5-2; strong separate deterrent (Su et al. 2018)"
    ),
    Parameter("same_prefecture", "delta_f", "1", -1.0, 4.0, 0.8, 0.5, "0.3-1.5"),
    Parameter("divide_east_west", "eta_EW", "1", -4.0, 4.0, 0.0, 0.5, "shrunk to no effect"),
    Parameter("divide_west_east", "eta_WE", "1", -4.0, 4.0, 0.0, 0.5, "shrunk to no effect"),
    Parameter(
        "departure_level", "m_0", "logit per year", -8.0, -1.0, -4.0, 0.5, "8-20 % leave their county in a decade"
    ),
    Parameter(
        "birth_adjustment", "nu", "1", 0.4, 2.5, 1.0, 0.3, "births the census or its path missed; closes the nation"
    ),
)
_NOISE = (
    Parameter("noise", "sigma_0", "log per interval", 0.005, 1.0, 0.12, 0.06, "0.08-0.15 log per decade"),
    Parameter(
        "noise_size", "sigma_1", "persons^0.5", 0.01, 300.0, 20.0, 20.0, "allocation and coverage errors of small units"
    ),
)


@partial(
    jax.tree_util.register_dataclass,
    data_fields=[
        *(parameter.name for parameter in _BASE if parameter.name != "offset_km"),
        *("attraction", "departure", "noise", "noise_size"),
    ],
    meta_fields=[],
)
@dataclasses.dataclass(frozen=True)
class Parameters:
    """Natural values, in the units of `docs/model.md`; `attraction` and `departure` hold one value a covariate."""

    mass: Float[Array, ""]
    distance: Float[Array, ""]
    other_province: Float[Array, ""]
    same_prefecture: Float[Array, ""]
    divide_east_west: Float[Array, ""]
    divide_west_east: Float[Array, ""]
    departure_level: Float[Array, ""]
    birth_adjustment: Float[Array, ""]
    attraction: Float[Array, " attraction"]
    departure: Float[Array, " departure"]
    noise: Float[Array, ""]
    noise_size: Float[Array, ""]


@dataclasses.dataclass(frozen=True)
class Registry:
    """The parameters of one run, in the order of every vector and table."""

    entries: tuple[Parameter, ...]

    @property
    def free(self) -> tuple[Parameter, ...]:
        """The parameters that are fitted."""
        return tuple(entry for entry in self.entries if entry.fixed is None)

    def __getitem__(self, name: str) -> Parameter:
        """The parameter called `name`."""
        return next(entry for entry in self.entries if entry.name == name)

    def natural(self, unconstrained: Float[Array, " free"]) -> Float[Array, " free"]:
        """Unconstrained values as natural ones, inside their bounds."""
        lower, upper = self._bounds()
        return lower + (upper - lower) * jax.nn.sigmoid(unconstrained)

    def unconstrained(self, natural: Float[Array, " free"]) -> Float[Array, " free"]:
        """The inverse of `natural`; a value at its bound is kept a billionth of the range inside."""
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

    def parameters(self, natural: Float[Array, " free"]) -> Parameters:
        """What the kernels take, from the free parameters' natural values (differentiable)."""
        position = {entry.name: i for i, entry in enumerate(self.free)}

        def value(entry: Parameter) -> Float[Array, ""]:
            return jnp.asarray(entry.fixed, natural.dtype) if entry.fixed is not None else natural[position[entry.name]]

        def block(prefix: str) -> Float[Array, " covariates"]:
            found = [value(entry) for entry in self.entries if entry.name.startswith(f"{prefix}:")]
            return jnp.stack(found) if found else jnp.zeros(0, natural.dtype)

        scalars = {e.name: value(e) for e in self.entries if ":" not in e.name and e.name != "offset_km"}
        return Parameters(**scalars, attraction=block("attraction"), departure=block("departure"))

    def held(self, natural: Float[Array, " free"], gradient: np.ndarray) -> np.ndarray:
        """Which free parameters sit at a bound and are pushed against it (the condition of Karush, Kuhn and Tucker).

        Args:
            natural: natural values.
            gradient: of the objective to be minimised, by natural values.
        """
        lower, upper = (np.asarray(bound) for bound in self._bounds())
        share = (np.asarray(natural) - lower) / (upper - lower)
        push = gradient * np.asarray(self.prior_sds())
        return np.asarray(((share < _AT_BOUND) & (push > _AT_BOUND)) | ((share > 1 - _AT_BOUND) & (push < -_AT_BOUND)))

    def prior_centres(self) -> Float[Array, " free"]:
        """Where the priors of the free parameters are centred, natural values."""
        return jnp.asarray([entry.prior_mean for entry in self.free])

    def prior_sds(self) -> Float[Array, " free"]:
        """Prior standard deviations of the free parameters in natural units (of a log-normal one, about its median)."""
        return jnp.asarray([e.prior_sd * (e.prior_mean if e.prior_scale == "log" else 1) for e in self.free])

    def prior_scores(self, natural: Float[Array, " free"]) -> Float[Array, " free"]:
        """How many standard deviations each free parameter is from its prior's centre."""
        log = jnp.asarray([entry.prior_scale == "log" for entry in self.free])
        sd = jnp.asarray([entry.prior_sd for entry in self.free])
        positive = jnp.where(log, natural, 1.0) / jnp.where(log, self.prior_centres(), 1.0)
        return jnp.where(log, jnp.log(positive), natural - self.prior_centres()) / sd

    def draw(self, seed: int) -> Float[Array, " free"]:
        """A start drawn from the priors, kept clear of the bounds by a hundredth of the range."""
        lower, upper = (np.asarray(bound) for bound in self._bounds())
        scores = np.random.default_rng(seed).normal(size=len(self.free))
        draw = [entry.from_score(score) for entry, score in zip(self.free, scores, strict=True)]
        margin = _MARGIN * (upper - lower)
        return jnp.asarray(np.clip(draw, lower + margin, upper - margin))

    def _bounds(self) -> tuple[Float[Array, " free"], Float[Array, " free"]]:
        return jnp.asarray([e.lower for e in self.free], float), jnp.asarray([e.upper for e in self.free], float)


def registry(model: Model, overrides: Mapping[str, Override]) -> Registry:
    """The parameters that `model` has, with the configuration's overrides.

    Raises:
        ConfigError: an override names no parameter, or fixes it outside its bounds.
    """
    covariates = [
        Parameter(f"{kind}:{name}", f"{symbol}_{name}", "1", -4.0, 4.0, 0.0, 0.5, _COVARIATE_SOURCE)
        for kind, symbol, names in (("attraction", "gamma", model.attraction), ("departure", "m", model.departure))
        for name in names
    ]
    entries = {entry.name: entry for entry in (*_BASE, *covariates, *_NOISE)}
    for name, change in overrides.items():
        if name not in entries:
            near = difflib.get_close_matches(name, entries, n=1)
            raise ConfigError("E-PARAMETER-NAME", f"[parameters.{name}]", f"name one of the model's, such as {near}")
        entries[name] = dataclasses.replace(entries[name], **change.model_dump(exclude_none=True))
    return Registry(tuple(entries.values()))
