"""Synthetic flows between zones, the same for both sides of a comparison: NumPy alone, seeded.

Zones lie in a square of 2,000 km: two thirds of them around towns, whose pull on further towns of theirs falls with
their rank, the rest anywhere. Masses are log-normal. A zone has no flow to itself.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

SIDE_KM = 2000.0
TOWN_SPREAD_KM = 60.0
ZONES_A_TOWN = 40
NEAREST_KM = 5.0
LOG_MASS_SD = 0.9
LOG_EFFECT_SD = 0.4
EXPONENT = -1.3


@dataclasses.dataclass(frozen=True)
class PpmlCase:
    """Counts with origin and destination effects and a power of the distance.

    Attributes:
        flow: persons [N, N], whole numbers; the diagonal is zero and not observed.
        distance: kilometres [N, N]; the diagonal is zero.
        exponent: the power that the counts were drawn with.
    """

    flow: Float64
    distance: Float64
    exponent: float

    @property
    def zero_share(self) -> float:
        """Share of the pairs of two zones that have no flow."""
        zones = len(self.flow)
        return float(1 - np.count_nonzero(self.flow) / (zones * (zones - 1)))


@dataclasses.dataclass(frozen=True)
class BalanceCase:
    """Margins and a power of the distance, to be met by T_ij = A_i O_i B_j D_j d_ij^exponent, T_ii = 0.

    Attributes:
        distance: kilometres [N, N]; the diagonal is zero.
        outflow: persons leaving each zone [N].
        inflow: persons arriving in each zone [N]; the same total.
        exponent: the power of the distance, given and not estimated.
        tolerance: largest relative gap allowed between a margin and its total.
    """

    distance: Float64
    outflow: Float64
    inflow: Float64
    exponent: float
    tolerance: float


def ppml(zones: int = 2000, seed: int = 20260101, mean_flow: float = 4.0) -> PpmlCase:
    """Poisson counts around mass x mass x effects x distance^-1.3, scaled to a mean flow.

    Raises:
        ValueError: a zone sends or receives nothing, so that its effect has no estimate.
    """
    draw = np.random.default_rng(seed)
    distance = _distance(_positions(draw, zones))
    out, into = np.exp(_log_margin(draw, zones))
    expected = out[:, None] * into * _power(distance, EXPONENT)
    expected *= mean_flow * zones * (zones - 1) / expected.sum()
    flow = draw.poisson(expected).astype(np.float64)
    if not (flow.any(axis=0).all() and flow.any(axis=1).all()):
        raise ValueError(f"seed {seed}: a zone sends or receives nothing; take a larger mean flow than {mean_flow}")
    return PpmlCase(flow, distance, EXPONENT)


def balance(zones: int = 2850, seed: int = 20260102, tolerance: float = 1e-6, mean_out: float = 1e4) -> BalanceCase:
    """Log-normal totals that agree, for a kernel distance^-1.3."""
    draw = np.random.default_rng(seed)
    distance = _distance(_positions(draw, zones))
    out, into = np.exp(_log_margin(draw, zones))
    people = mean_out * zones
    return BalanceCase(distance, people * out / out.sum(), people * into / into.sum(), EXPONENT, tolerance)


def kernel(case: BalanceCase) -> Float64:
    """O_i D_j d_ij^exponent, what is to be balanced [N, N]; zero on the diagonal."""
    return case.outflow[:, None] * case.inflow * _power(case.distance, case.exponent)


def relative_gap(case: BalanceCase, flows: Float64) -> float:
    """The largest of total/margin and margin/total over all zones, minus one; compare it with the case's tolerance."""
    factors = np.concatenate([flows.sum(axis=1) / case.outflow, flows.sum(axis=0) / case.inflow])
    return float(max(factors.max(), (1 / factors).max()) - 1)


def probe(zones: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """A thousand pairs of two zones, by their rows and columns, at which two sides' flows are compared."""
    draw = np.random.default_rng(0)
    row = draw.integers(0, zones, 1000)
    return row, (row + draw.integers(1, zones, 1000)) % zones


def _positions(draw: np.random.Generator, zones: int) -> Float64:
    """Kilometres east and north [N, 2]: towns of unequal size, and countryside between them."""
    towns = draw.uniform(0, SIDE_KM, (max(zones // ZONES_A_TOWN, 1), 2))
    weight = 1 / np.arange(1, len(towns) + 1)
    chosen = draw.choice(len(towns), zones, p=weight / weight.sum())
    near = towns[chosen] + draw.normal(0, TOWN_SPREAD_KM, (zones, 2))
    return np.where(draw.random((zones, 1)) < 2 / 3, near, draw.uniform(0, SIDE_KM, (zones, 2)))


def _distance(position: Float64) -> Float64:
    """Straight lines, kilometres [N, N], none between two zones below the floor."""
    east, north = (position[:, None, :] - position).transpose(2, 0, 1)
    straight: Float64 = np.maximum(np.hypot(east, north), NEAREST_KM)
    np.fill_diagonal(straight, 0)
    return straight


def _log_margin(draw: np.random.Generator, zones: int) -> Float64:
    """Logarithms of what zones send and receive [2, N]: one mass, an effect of its own each way."""
    return draw.normal(0, LOG_MASS_SD, zones) + draw.normal(0, LOG_EFFECT_SD, (2, zones))


def _power(distance: Float64, exponent: float) -> Float64:
    """The power of all distances but those of a zone to itself, which are zero."""
    power: Float64 = np.where(distance > 0, distance, np.inf) ** exponent
    return power
