"""Target totals of a flow table, and checks that they are consistent with each other and with the prior."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

import numpy as np

from flowmodel.errors import FlowsError

_MOST_LISTED = 20
Labels = Sequence[str] | None


@dataclasses.dataclass(frozen=True)
class Names:
    """Labels in the order of the table; None for indices.

    Attributes:
        origin: label of every row.
        destination: label of every column.
        origin_group: label of every group of origins.
        destination_group: label of every group of destinations.
    """

    origin: Labels = None
    destination: Labels = None
    origin_group: Labels = None
    destination_group: Labels = None

    def of(self, kind: str, where: np.ndarray) -> list[str]:
        """Names of the non-zero elements of an array of a kind of totals or of the prior, such as "3" or "(0, 2)"."""
        found = []
        for index in np.argwhere(where):
            pairs = zip(index, self.axes(kind), strict=True)
            parts = [str(at) if labels is None else labels[at] for at, labels in pairs]
            found.append(parts[0] if len(parts) == 1 else f"({', '.join(parts)})")
        return found

    def axes(self, kind: str) -> tuple[Labels, ...]:
        """Labels of each axis of a kind of totals, or of the prior."""
        return {
            "outflow": (self.origin,),
            "inflow": (self.destination,),
            "net": (self.origin,),
            "block": (self.origin_group, self.destination_group),
            "prior": (self.origin, self.destination),
        }[kind]


def listed(rows: Iterable[object]) -> str:
    """Up to twenty of the rows, and the number of others."""
    names = [str(row) for row in rows]
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(names[:_MOST_LISTED]) + more


@dataclasses.dataclass(frozen=True)
class Totals:
    """Totals of a table [origin, destination], float64, in the units of its flows; NaN is a total that is not given.

    Attributes:
        outflow: by origin.
        inflow: by destination.
        block: by group of origins and group of destinations [group, group].
        origin_group: index of the group of every origin, for `block`.
        destination_group: index of the group of every destination, for `block`.
        net: inflow less outflow of every zone; origins and destinations are then the same zones.
        names: names in messages.
    """

    outflow: np.ndarray | None = None
    inflow: np.ndarray | None = None
    block: np.ndarray | None = None
    origin_group: np.ndarray | None = None
    destination_group: np.ndarray | None = None
    net: np.ndarray | None = None
    names: Names = Names()

    def each(self) -> dict[str, np.ndarray]:
        """The kinds of totals that are given, by name."""
        kinds = {"outflow": self.outflow, "inflow": self.inflow, "block": self.block, "net": self.net}
        return {kind: np.asarray(value, float) for kind, value in kinds.items() if value is not None}

    def replaced(self, **kinds: Any) -> Self:
        """The same totals with some kinds replaced."""
        return dataclasses.replace(self, **kinds)

    def of(self, flow: np.ndarray) -> dict[str, np.ndarray]:
        """The sums of a table, for the kinds that are given."""
        outflow, inflow = flow.sum(1), flow.sum(0)
        found = {"outflow": outflow, "inflow": inflow}
        if self.net is not None:
            found["net"] = inflow - outflow
        if self.block is not None:
            found["block"] = np.zeros(np.shape(self.block))
            np.add.at(found["block"], self.blocks(), flow)
        return {kind: found[kind] for kind in self.each()}

    def named(self, where: dict[str, np.ndarray]) -> str:
        """Names of the non-zero elements of each kind, such as "outflow 3, 5; net 2"."""
        return "; ".join(f"{kind} {listed(self.names.of(kind, at))}" for kind, at in where.items() if at.any())

    def blocks(self) -> tuple[np.ndarray, ...]:
        """Indices that expand an array of blocks [group, group] to pairs [origin, destination]."""
        return np.ix_(np.asarray(self.origin_group), np.asarray(self.destination_group))


def checked(prior: np.ndarray, totals: Totals, tolerance: float) -> np.ndarray:
    """Checks prior and totals; returns the prior as float64.

    Raises:
        FlowsError: shapes differ, a number is negative or not finite, sums disagree by more than `tolerance` relative
            to them, or a zone has a positive total but no pair with a positive prior.
    """
    prior = np.asarray(prior, float)
    _check_shapes(prior, totals)
    _check_signs(prior, totals)
    _check_pairs(prior, totals)
    for what in _disagreements(totals, tolerance):
        raise FlowsError("E-TOTALS-SUM", what, "make the totals agree, or leave one of them out")
    return prior


def zero_pairs(shape: tuple[int, ...], totals: Totals) -> np.ndarray:
    """Pairs whose flow is zero because one of their totals is zero [origin, destination]."""
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
        return FlowsError("E-TOTALS-SHAPE", what, "give one total per row, column, block or zone, nan where unknown")

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
            shapes = f"blocks {np.shape(totals.block)} of a prior {prior.shape}"
            raise refuse(f"{shapes} need the index of a group for every origin and destination")


def _indexes(size: int, count: int, group: np.ndarray | None) -> bool:
    index = np.asarray(group)
    return index.shape == (size,) and index.dtype.kind in "iu" and bool(((index >= 0) & (index < count)).all())


def _check_signs(prior: np.ndarray, totals: Totals) -> None:
    bad = {"prior": ~((prior >= 0) & np.isfinite(prior))}
    for kind, value in totals.each().items():
        bad[kind] = np.isinf(value) if kind == "net" else (value < 0) | np.isinf(value)
    if found := totals.named(bad):
        what = f"negative or not finite: {found}"
        raise FlowsError("E-TOTALS-NEGATIVE", what, "give flows of zero or more")


def _check_pairs(prior: np.ndarray, totals: Totals) -> None:
    support = 1.0 * (prior > 0)
    pairs = dataclasses.replace(totals, net=None).of(support)
    if totals.net is not None:
        pairs["net"] = support.sum(0) + support.sum(1) - 2 * np.diagonal(support)
    asked = {kind: (np.nan_to_num(value) != 0) & (pairs[kind] == 0) for kind, value in totals.each().items()}
    if empty := totals.named(asked):
        what = f"positive totals without any pair with a positive prior: {empty}"
        raise FlowsError("E-TOTALS-EMPTY", what, "give these zones a positive prior, or a total of zero")


def _disagreements(totals: Totals, tolerance: float) -> Iterator[str]:
    """Sentences on totals that disagree; sums are compared only if all their parts are given."""
    outflow, inflow, net = totals.outflow, totals.inflow, totals.net
    if outflow is not None and inflow is not None:
        out, into = np.sum(outflow), np.sum(inflow)
        if abs(out - into) > tolerance * max(out, into):
            yield f"outflow sums to {out:.15g} and inflow to {into:.15g} ({out - into:+.3g})"
    if net is not None and abs(np.sum(net)) > tolerance * np.abs(net).sum():
        yield f"net migration sums to {np.sum(net):.12g}, not to zero"
    yield from _net_disagreements(totals, tolerance)
    if totals.block is not None:
        block, names, groups = np.asarray(totals.block), totals.names, (totals.origin_group, totals.destination_group)
        yield from _block_disagreements(block, outflow, groups[0], "outflow", names.origin_group, tolerance)
        yield from _block_disagreements(block.T, inflow, groups[1], "inflow", names.destination_group, tolerance)


def _net_disagreements(totals: Totals, tolerance: float) -> Iterator[str]:
    """Zones whose net migration is not inflow less outflow, or exceeds one of them."""
    if totals.net is None:
        return
    net = np.asarray(totals.net, float)
    out = np.full(net.shape, np.nan) if totals.outflow is None else np.asarray(totals.outflow, float)
    into = np.full(net.shape, np.nan) if totals.inflow is None else np.asarray(totals.inflow, float)
    off = np.abs(into - out - net) > tolerance * np.maximum(into, out)
    if off.any():
        yield f"net is not inflow less outflow in zones {listed(totals.names.of('net', off))}"
    beyond = (-net > out * (1 + tolerance)) | (net > into * (1 + tolerance))
    if beyond.any():
        yield f"net migration exceeds outflow or inflow in zones {listed(totals.names.of('net', beyond))}"


def _block_disagreements(
    block: np.ndarray,
    flow: np.ndarray | None,
    group: np.ndarray | None,
    kind: str,
    names: Labels,
    tolerance: float,
) -> Iterator[str]:
    """Groups whose blocks [group, group of the other side] do not sum to their flows."""
    if flow is None or group is None:
        return
    flows = np.bincount(group, np.asarray(flow, float), minlength=len(block))
    given = np.nansum(block, axis=1)
    more = given > flows * (1 + tolerance)
    less = (given < flows * (1 - tolerance)) & ~np.isnan(block).any(1)
    off = np.flatnonzero(more | less)
    if len(off):
        labels = [str(g) for g in range(len(block))] if names is None else names
        found = listed(f"{labels[g]} ({given[g]:.12g}, {flows[g]:.12g})" for g in off.tolist())
        yield f"blocks do not sum to the {kind} of groups {found}"
