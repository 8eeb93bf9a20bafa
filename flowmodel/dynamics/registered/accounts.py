"""The accounts of a run with registration: of residents and of registered people, for every zone, group and year.

Both paths sum moves from the two sides of the flow itself and read the closing from the state: that the two agree is a
check and not a definition.
"""

import dataclasses

import numpy as np

from flowmodel.dynamics import closure
from flowmodel.dynamics.registered.children import Children
from flowmodel.zones.table import ZoneTable


@dataclasses.dataclass(frozen=True)
class RegisteredAccounts:
    """Persons [year, group, zone] unless stated otherwise.

    opening + births − deaths + inflow − outflow + regrouped = closing, and
    registered_opening + births_registered − deaths_registered + converted_in − converted_out + regrouped_registered =
    registered_closing. `within`, `near`, `far` are residents registered elsewhere at the end of a year, `away` people
    registered here and living in another zone; `within_start` and so on those of the start [group, zone].

    `cross_divide` is moves by [year, direction], east to west first; `stock` people away at the end
    [origin province, province of residence], `stock_start` at the start; `in_city` at the end, residents of the zone
    registered in another district of its city [zone]; `placed_start` residents from other zones at the start, summed
    over pairs [zone]. `children` is None unless the configuration asks for them.
    """

    opening: np.ndarray
    births: np.ndarray
    deaths: np.ndarray
    inflow: np.ndarray
    outflow: np.ndarray
    regrouped: np.ndarray
    closing: np.ndarray
    registered_opening: np.ndarray
    births_registered: np.ndarray
    deaths_registered: np.ndarray
    converted_in: np.ndarray
    converted_out: np.ndarray
    regrouped_registered: np.ndarray
    registered_closing: np.ndarray
    within: np.ndarray
    near: np.ndarray
    far: np.ndarray
    away: np.ndarray
    within_start: np.ndarray
    near_start: np.ndarray
    far_start: np.ndarray
    away_start: np.ndarray
    cross_divide: np.ndarray
    stock_start: np.ndarray
    stock: np.ndarray
    in_city: np.ndarray
    placed_start: np.ndarray
    children: Children | None = None

    def residual(self) -> np.ndarray:
        """The imbalance of residents, persons [year, group, zone]."""
        came = self.opening + self.births + self.inflow + self.regrouped
        return np.asarray(came - self.deaths - self.outflow - self.closing)

    def registered_residual(self) -> np.ndarray:
        """The imbalance of registered people, persons [year, group, zone]."""
        came = self.registered_opening + self.births_registered + self.converted_in + self.regrouped_registered
        return np.asarray(came - self.deaths_registered - self.converted_out - self.registered_closing)

    def national_residual(self) -> np.ndarray:
        """The share of the nation's people that its births and deaths do not explain [year]."""
        expected = (self.opening + self.births - self.deaths).sum(axis=(1, 2))
        return np.asarray((self.closing.sum(axis=(1, 2)) - expected) / expected)


@dataclasses.dataclass(frozen=True)
class Places:
    """Where zones lie, on the host: province, side of the divide, and city (−1 where a zone has no district)."""

    province: np.ndarray
    east: np.ndarray
    city: np.ndarray


def places(table: ZoneTable) -> Places:
    """Where the zones of a table lie."""
    city = np.where(table.values("districts") > 0, table.indices("prefecture"), -1)
    return Places(table.indices("province"), table.values("east").astype(bool), city)


def check(closed: RegisteredAccounts, codes: np.ndarray, groups: tuple[str, ...], first_year: int) -> None:
    """Refuses accounts that lose or invent people, residents or registered people; raises as `closure.check`."""
    names = {"closing": "residents", "within": "people (within)", "near": "people (near)"}
    names |= {"far": "people (far)", "away": "people (away)"}
    closure.check(
        {"residents": closed.residual(), "registered people": closed.registered_residual()},
        {words: getattr(closed, name) for name, words in names.items()},
        closed.national_residual(),
        first_year,
        lambda at: f"zone {codes[at[1]]}, group {groups[at[0]]}",
        "bound the rates of that zone",
    )
