"""What is asked of a flow table: its totals, and whether they can be asked at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np

from flowmodel.errors import FlowsError

_MOST_LISTED = 20


@dataclasses.dataclass(frozen=True)
class Totals:
    """Totals of a table [origin, destination], float64, in the units of its flows; NaN is a total that is not given.

    Attributes:
        outflow: by origin.
        inflow: by destination.
        block: by group of origins and group of destinations [group, group].
        origin_group: index of the group of every origin, for `block`.
        destination_group: index of the group of every destination.
        net: inflow less outflow of every zone; origins and destinations are then the same zones.
    """

    outflow: np.ndarray | None = None
    inflow: np.ndarray | None = None
    block: np.ndarray | None = None
    origin_group: np.ndarray | None = None
    destination_group: np.ndarray | None = None
    net: np.ndarray | None = None

    def each(self) -> dict[str, np.ndarray]:
        """The kinds that are given, by name."""
        kinds = {"outflow": self.outflow, "inflow": self.inflow, "block": self.block, "net": self.net}
        return {kind: np.asarray(value, float) for kind, value in kinds.items() if value is not None}

    def of(self, flow: np.ndarray) -> dict[str, np.ndarray]:
        """What the kinds that are given are in a table."""
        outflow, inflow = flow.sum(1), flow.sum(0)
        found = {"outflow": outflow, "inflow": inflow}
        if self.net is not None:
            found["net"] = inflow - outflow
        if self.block is not None:
            found["block"] = np.zeros(np.shape(self.block))
            np.add.at(found["block"], self.blocks(), flow)
        return {kind: found[kind] for kind in self.each()}

    def blocks(self) -> tuple[np.ndarray, ...]:
        """Indexes that spread blocks [group, group] over pairs [origin, destination]."""
        return np.ix_(np.asarray(self.origin_group), np.asarray(self.destination_group))


def listed(rows: Iterable[object]) -> str:
    """Up to twenty of them, and how many there are if that is more."""
    names = [str(row) for row in rows]
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(names[:_MOST_LISTED]) + more


def named(where: np.ndarray) -> list[str]:
    """Where an array is not zero: "3", of blocks "(0, 2)"."""
    return [str(i[0]) if len(i) == 1 else f"({', '.join(map(str, i))})" for i in np.argwhere(where)]


def checked(prior: np.ndarray, totals: Totals, tolerance: float) -> np.ndarray:
    """The prior as float64.

    Raises:
        FlowsError: prior and totals are not of one shape, a number is negative or not finite, sums disagree by more
            than `tolerance` of themselves, or a zone has a total and no pair.
    """
    prior = np.asarray(prior, float)
    _check_shapes(prior, totals)
    _check_signs(prior, totals)
    _check_pairs(prior, totals)
    for what in _disagreements(totals, tolerance):
        raise FlowsError("E-TOTALS-SUM", what, "make them agree, or leave one of them out (nan)")
    return prior


def shut(shape: tuple[int, ...], totals: Totals) -> np.ndarray:
    """Pairs that a total of zero leaves nothing [origin, destination]."""
    none = np.zeros(shape, bool)
    if totals.outflow is not None:
        none |= (np.asarray(totals.outflow) == 0)[:, None]
    if totals.inflow is not None:
        none |= np.asarray(totals.inflow) == 0
    if totals.block is not None:
        none |= (np.asarray(totals.block) == 0)[totals.blocks()]
    return none


def _check_shapes(prior: np.ndarray, totals: Totals) -> None:
    def refuse(what: str) -> FlowsError:
        return FlowsError("E-TOTALS-SHAPE", what, "give one total a row, column, block or zone, nan where unknown")

    if prior.ndim != 2:
        raise refuse(f"a prior is [origin, destination]; this one has {prior.ndim} dimensions")
    if not totals.each():
        raise refuse("no totals are given")
    sizes = {"outflow": prior.shape[0], "inflow": prior.shape[1], "net": prior.shape[0]}
    for kind, value in totals.each().items():
        if kind != "block" and value.shape != (sizes[kind],):
            raise refuse(f"{kind} has the shape {value.shape}, the prior {prior.shape}")
    if totals.net is not None and prior.shape[0] != prior.shape[1]:
        raise refuse(f"net migration is of zones that are origins and destinations; the prior is {prior.shape}")
    if totals.block is not None:
        groups = zip(prior.shape, np.shape(totals.block), (totals.origin_group, totals.destination_group), strict=False)
        if np.ndim(totals.block) != 2 or not all(_indexes(size, count, group) for size, count, group in groups):
            raise refuse(
                f"blocks of the shape {np.shape(totals.block)} need the index of a group for every one of the "
                f"{prior.shape[0]} origins and {prior.shape[1]} destinations"
            )


def _indexes(size: int, count: int, group: np.ndarray | None) -> bool:
    index = np.asarray(group)
    return index.shape == (size,) and index.dtype.kind in "iu" and bool(((index >= 0) & (index < count)).all())


def _check_signs(prior: np.ndarray, totals: Totals) -> None:
    bad = {"prior": ~((prior >= 0) & np.isfinite(prior))}
    for kind, value in totals.each().items():
        bad[kind] = np.isinf(value) if kind == "net" else (value < 0) | np.isinf(value)
    found = [f"{kind} {listed(named(where))}" for kind, where in bad.items() if where.any()]
    if found:
        raise FlowsError(
            "E-TOTALS-NEGATIVE", f"negative or not finite: {'; '.join(found)}", "give flows of zero or more"
        )


def _check_pairs(prior: np.ndarray, totals: Totals) -> None:
    support = 1.0 * (prior > 0)
    pairs = dataclasses.replace(totals, net=None).of(support)
    if totals.net is not None:
        pairs["net"] = support.sum(0) + support.sum(1) - 2 * np.diagonal(support)
    asked = {kind: (np.nan_to_num(value) != 0) & (pairs[kind] == 0) for kind, value in totals.each().items()}
    empty = [f"{kind} {listed(named(where))}" for kind, where in asked.items() if where.any()]
    if empty:
        raise FlowsError(
            "E-TOTALS-EMPTY",
            f"a total but no pair with a positive prior: {'; '.join(empty)}",
            "give such zones a prior, or a total of zero",
        )


def _disagreements(totals: Totals, tolerance: float) -> Iterator[str]:
    """What disagrees; only sums all of whose parts are given can."""
    outflow, inflow, net = totals.outflow, totals.inflow, totals.net
    if outflow is not None and inflow is not None:
        yield from _unequal("outflow", np.sum(outflow), "inflow", np.sum(inflow), tolerance)
    if net is not None and abs(np.sum(net)) > tolerance * np.abs(net).sum():
        yield f"net migration sums to {np.sum(net):.12g}, not to zero"
    yield from _net_disagreements(totals, tolerance)
    if totals.block is not None:
        yield from _block_disagreements(np.asarray(totals.block), outflow, totals.origin_group, "outflow", tolerance)
        yield from _block_disagreements(
            np.asarray(totals.block).T, inflow, totals.destination_group, "inflow", tolerance
        )


def _unequal(left: str, one: float, right: str, other: float, tolerance: float) -> Iterator[str]:
    if abs(one - other) > tolerance * max(one, other):
        yield f"{left} sums to {one:.15g} and {right} to {other:.15g} ({one - other:+.3g})"


def _net_disagreements(totals: Totals, tolerance: float) -> Iterator[str]:
    """Zones whose net migration is not, or cannot be, inflow less outflow."""
    if totals.net is None:
        return
    net = np.asarray(totals.net, float)
    out = np.full(net.shape, np.nan) if totals.outflow is None else np.asarray(totals.outflow, float)
    into = np.full(net.shape, np.nan) if totals.inflow is None else np.asarray(totals.inflow, float)
    off = np.flatnonzero(np.abs(into - out - net) > tolerance * np.maximum(into, out))
    if len(off):
        yield f"net is not inflow less outflow in zones {listed(off)}"
    beyond = np.flatnonzero((-net > out * (1 + tolerance)) | (net > into * (1 + tolerance)))
    if len(beyond):
        yield f"net migration is more than the flow it is part of in zones {listed(beyond)}"


def _block_disagreements(
    block: np.ndarray, flow: np.ndarray | None, group: np.ndarray | None, kind: str, tolerance: float
) -> Iterator[str]:
    """Groups whose blocks do not sum to their flows [group, group of the other side]."""
    if flow is None or group is None:
        return
    flows = np.bincount(group, np.asarray(flow, float), minlength=len(block))
    given = np.nansum(block, axis=1)
    more = given > flows * (1 + tolerance)
    less = (given < flows * (1 - tolerance)) & ~np.isnan(block).any(1)
    off = np.flatnonzero(more | less)
    if len(off):
        found = listed(f"{g} ({given[g]:.12g}, {flows[g]:.12g})" for g in off)
        yield f"blocks do not sum to the {kind} of groups {found}"
