"""Listed pairs put to zones: the rectangle of origins by destinations, and which of its pairs are to be fitted."""

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from geo.config import FlowsConfig
from geo.errors import SHOWN, Issue, error
from geo.tables.numbers import read_column

from .data import PairLines
from .listed_pairs import ListedPairs
from .zones import Zones

_OF_LABELS = frozenset({"E-OD-LABEL", "E-OD-ORDER", "E-OD-ZONE-UNKNOWN", "E-CODE-DUP"})
_ABSENT = {"zero": "count as zeros", "censored": "count as below the threshold"}


@dataclass(frozen=True)
class Pairs:
    """A rectangle of O origins by D destinations with P listed pairs of known zones in it.

    Attributes:
        origins: Labels, O.
        destinations: Labels, D.
        listed: The table.
        listed_index: Pairs of `listed` whose zones are known, shape (P,).
        origin: Their index into `origins`, shape (P,).
        destination: Their index into `destinations`, shape (P,).
        fitted: Whether they are allowed, bool, shape (P,).
        allowed: Whether a pair is to be fitted, bool, shape (O, D).
        absent: What pairs that are not listed mean: "zero", "missing" or "censored".
        labels_valid: Whether all labels are; else absent pairs are not judged, for some are listed under a wrong name.
    """

    origins: tuple[str, ...]
    destinations: tuple[str, ...]
    listed: ListedPairs
    listed_index: NDArray[np.int64]
    origin: NDArray[np.int64]
    destination: NDArray[np.int64]
    fitted: NDArray[np.bool_]
    allowed: NDArray[np.bool_]
    absent: str
    labels_valid: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Number of origins and of destinations."""
        return len(self.origins), len(self.destinations)

    def as_rectangle(self, values: NDArray[np.float64], nothing: float = np.nan) -> NDArray[np.float64]:
        """Lay out values of the listed pairs, shape (P,), as a rectangle, shape (O, D)."""
        grid = np.full(self.shape, nothing)
        grid[self.origin, self.destination] = values
        return grid

    def listed_mask(self) -> NDArray[np.bool_]:
        """Tell which pairs the table has, shape (O, D)."""
        return self.as_rectangle(np.ones(self.origin.size), 0.0) > 0

    def read(
        self, code: str, column: str, least: float, rule: str, fix: str, blank: str | None = None
    ) -> tuple[NDArray[np.float64], list[Issue]]:
        """Read a column of the flow table for the listed pairs, shape (P,); those that are fitted must have a number.

        Args:
            code: Of the error where one has none, or less than `least`.
            column: Name of the column.
            least: Least number.
            rule: What is expected of a number.
            fix: What the user can do.
            blank: What is expected of a blank cell, if that is another rule.
        """
        table = self.listed.table
        numbers, issues = read_column(table, column)
        reported = {issue.line for issue in issues if issue.severity == "error"}
        values, blanks = numbers[self.listed.row[self.listed_index]], table.blank(column)
        for pair in self.listed_index[self.fitted & ~(values >= least)].tolist():
            row = int(self.listed.row[pair])
            if table.lines[row] not in reported:
                broken = blank or rule if blanks[row] else rule
                issues.append(table.wrong_cell(code, row, column, broken, fix, self.listed.people(pair)))
        return values, issues

    def flow(self) -> NDArray[np.float64]:
        """Give the flows of the listed pairs as far as they are to be fitted, shape (P,), 0 where not."""
        return np.where(self.fitted, self.listed.flow[self.listed_index], 0.0)

    def sum_by_zone(self, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Add values of the listed pairs, shape (P,), by origin and by destination, shape (O,) and (D,)."""
        origins, destinations = self.shape
        by_origin = np.bincount(self.origin, values, origins).astype(np.float64)
        return by_origin, np.bincount(self.destination, values, destinations).astype(np.float64)

    def lines(self) -> PairLines:
        """Give the places of the listed pairs."""
        pair = self.origin * len(self.destinations) + self.destination
        order = np.argsort(pair, kind="stable")
        lines = np.array(self.listed.table.lines, dtype=np.int64)[self.listed.row[self.listed_index]]
        return PairLines(self.listed.table.file, len(self.destinations), pair[order], lines[order])

    def missing_for_absent(
        self, code: str, column: str, what: str, fix: str, missing: NDArray[np.bool_]
    ) -> list[Issue]:
        """Say once, with the first, which absent pairs lack something that they need.

        Args:
            code: Of the error.
            column: Column of the flow table that listed pairs have it from.
            what: What they need, with its article.
            fix: What the user can do.
            missing: Where it is missing, shape (O, D).
        """
        lacking = np.argwhere(missing & self.allowed & ~self.listed_mask())
        if not len(lacking) or not self.labels_valid:
            return []
        first = f"{self.origins[lacking[0][0]]} to {self.destinations[lacking[0][1]]}"
        text = f"pairs are not listed and {_ABSENT[self.absent]}, so each needs {what}"
        rule = f"{len(lacking):,} {text}; the first is {first}"
        return [error(code, self.listed.table.file, column=column, value=first, rule=rule, fix=fix)]


def place(config: FlowsConfig, listed: ListedPairs, zones: Zones | None) -> tuple[Pairs, list[Issue]]:
    """Put the listed pairs to the zones.

    Returns:
        The pairs; E-OD-ZONE-UNKNOWN, W-OD-EXCLUDED, W-OD-INTRAZONAL, W-OD-FLOW, W-OD-ZONE-IDLE
        and W-OD-ONE-SIDED.
    """
    origins, destinations = _axes(listed, zones)
    issues = [] if zones is None else _unknown_labels(listed, set(origins), zones.table.where)
    origin = _positions(listed.origins, origins)[listed.origin]
    destination = _positions(listed.destinations, destinations)[listed.destination]
    listed_index = np.flatnonzero((origin >= 0) & (destination >= 0))
    origin, destination = origin[listed_index], destination[listed_index]
    absent = "censored" if config.below is not None else str(config.absent_pairs)
    within = _intrazonal(origins, destinations)
    known = ~np.isnan(listed.flow[listed_index])
    allowed = np.full((len(origins), len(destinations)), absent != "missing")
    allowed[origin, destination] = known
    if not config.intrazonal:
        allowed &= ~within
    excluded = np.zeros_like(allowed)
    if zones is not None:
        excluded |= zones.excluded[:, None] | zones.excluded
        allowed &= ~excluded
    fitted = allowed[origin, destination]
    found = (*issues, *listed.issues, *(zones.issues if zones is not None else ()))
    labels_valid = not any(issue.code in _OF_LABELS for issue in found)
    pairs = Pairs(
        origins, destinations, listed, listed_index, origin, destination, fitted, allowed, absent, labels_valid
    )
    issues += _unfitted_flows(pairs, within, known, excluded)
    return pairs, issues + (
        [*_zones_without_flows(pairs, zones), *_zones_on_one_side(pairs, zones)]
        if zones is not None and labels_valid
        else []
    )


def hint(label: str, among: Collection[str], before: int) -> str:
    """Ask whether the nearest of other labels is meant."""
    near = get_close_matches(label, among, n=1) if before < SHOWN else []
    return f"is it {near[0]}? else " if near else ""


def _axes(listed: ListedPairs, zones: Zones | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Choose the order of origins and destinations: one for both where they are the same zones."""
    if zones is not None:
        return zones.ids, zones.ids
    same = set(listed.origins) == set(listed.destinations)
    return listed.origins, listed.origins if same else listed.destinations


def _positions(labels: tuple[str, ...], among: tuple[str, ...]) -> NDArray[np.int64]:
    """Give the place of each label among others, -1 where it is not there."""
    places = {label: at for at, label in enumerate(among) if label}
    return np.array([places.get(label, -1) for label in labels], dtype=np.int64)


def _intrazonal(origins: tuple[str, ...], destinations: tuple[str, ...]) -> NDArray[np.bool_]:
    """Tell which pairs stay within a zone, shape (O, D)."""
    at = _positions(origins, destinations)
    within = np.zeros((len(origins), len(destinations)), dtype=np.bool_)
    both = np.flatnonzero(at >= 0)
    within[both, at[both]] = True
    return within


def _unknown_labels(listed: ListedPairs, ids: set[str], where: str) -> list[Issue]:
    """Find labels that no zone has, with the flows that name them and the nearest label."""
    issues: list[Issue] = []
    for axis, labels, index in (
        (0, listed.origins, listed.origin),
        (1, listed.destinations, listed.destination),
    ):
        unknown = [at for at, label in enumerate(labels) if label not in ids]
        flows = np.bincount(index, weights=np.nan_to_num(listed.flow), minlength=len(labels))
        rows = np.bincount(index, minlength=len(labels))
        first = dict(zip(index[::-1].tolist(), range(len(index) - 1, -1, -1), strict=True)) if unknown else {}
        for count, at in enumerate(unknown):
            issues.append(
                error(
                    "E-OD-ZONE-UNKNOWN",
                    listed.table.file,
                    line=listed.line(first[at]) if at in first else None,
                    column=listed.names[axis] if listed.names else None,
                    value=labels[at],
                    rule=f"a flow is between zones of {where}; {rows[at]:,} pairs {('from', 'to')[axis]} this are not",
                    fix=f"{hint(labels[at], ids, count)}add the zone to {where}, or correct the label",
                    people=float(flows[at]),
                )
            )
    return issues


def _unfitted_flows(
    pairs: Pairs, within: NDArray[np.bool_], known: NDArray[np.bool_], excluded: NDArray[np.bool_]
) -> list[Issue]:
    """Say which listed flows are not fitted: of each kind the first, and the people of all."""
    listed, out = pairs.listed, excluded[pairs.origin, pairs.destination]
    inside = within[pairs.origin, pairs.destination] & ~pairs.fitted & known & ~out
    issues = []
    for code, which, rule, fix in (
        (
            "W-OD-EXCLUDED",
            out & known,
            "listed flows from or to excluded zones are left out",
            "none needed: the zones are named",
        ),
        (
            "W-OD-INTRAZONAL",
            inside,
            "listed flows within a zone are left out",
            "none needed: the rule is declared; [flows] intrazonal = true keeps them",
        ),
        (
            "W-OD-FLOW",
            ~known,
            "flows are declared unknown; their pairs are left out",
            "none needed: the texts for unknown are declared",
        ),
    ):
        of = pairs.listed_index[which].tolist()
        if of:
            people = float(np.nansum(listed.flow[of])) if code != "W-OD-FLOW" else None
            place = (listed.table.file, listed.line(of[0]), listed.flow_column(of[0]), listed.name(of[0]))
            issues.append(Issue(code, "warning", *place, f"{len(of):,} {rule}", fix, people))
    return issues


def _zones_without_flows(pairs: Pairs, zones: Zones) -> list[Issue]:
    """Find zones that nobody left and nobody came to."""
    left, came = pairs.sum_by_zone(pairs.flow())
    rule, fix = "no listed flow begins or ends in this zone", "none if nobody moved; else compare its label"
    return [
        Issue(
            "W-OD-ZONE-IDLE", "warning", zones.table.file, zones.table.lines[at], None, zones.ids[at], rule, fix, None
        )
        for at in np.flatnonzero((left == 0) & (came == 0) & ~zones.excluded).tolist()
    ]


def _zones_on_one_side(pairs: Pairs, zones: Zones) -> list[Issue]:
    """Say that zones on one side only of the table are on both sides of the rectangle, where absent pairs count."""
    if pairs.absent == "missing":
        return []
    left, came = pairs.sum_by_zone(pairs.flow())
    never = [int(((flow == 0) & (other > 0) & ~zones.excluded).sum()) for flow, other in ((left, came), (came, left))]
    if not any(never):
        return []
    rule = f"{never[0]:,} zones are never an origin and {never[1]:,} never a destination; their absent pairs count"
    fix = "none if nobody moved; else leave [zones] out and take masses and distances from [flows]"
    return [Issue("W-OD-ONE-SIDED", "warning", zones.table.file, None, None, None, rule, fix, None)]
