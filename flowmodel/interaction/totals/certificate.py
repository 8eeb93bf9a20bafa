"""Proofs that no table on the pairs of a prior has the target totals.

A proof is an integer multiplier λ for each total with A'λ ≤ 0 for every pair but λ·t > 0; then A y = t has no solution
y ≥ 0 (Farkas' lemma). If totals are impossible, the potentials of Newton's method diverge along such a λ, so candidates
are sets of rows or zones in the order of the potentials, which are then checked for all pairs. If none is a proof and
there are few enough pairs, linear programming searches for λ.
"""

import math
from collections.abc import Iterator

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

from flowmodel.errors import FlowsError
from flowmodel.interaction.totals.checks import Totals, listed

_MOST_PAIRS = 300_000
"""Largest number of pairs for linear programming, which then takes some seconds."""
_MULTIPLES = (1, 2, 3, 4, 6)


def refuse_impossible(allowed: np.ndarray, totals: Totals, potentials: Totals, tolerance: float) -> None:
    """Searches for a proof that no table has the totals, from the present `potentials` of Newton's method.

    `allowed` is the prior, zero where totals of zero allow no flow [origin, destination]. Relative contradictions below
    `tolerance` are ignored.

    Raises:
        FlowsError: E-TOTALS-IMPOSSIBLE, with the totals that contradict each other.
    """
    support = allowed > 0
    for proof in _candidates(support, totals, potentials):
        if proves(proof, support, totals, tolerance):
            what = f"no table on the prior's pairs has these totals: {_worded(proof, totals)}"
            fix = "correct these totals, or give a pair that can have the difference a small positive prior"
            raise FlowsError("E-TOTALS-IMPOSSIBLE", what, fix)


def proves(proof: Totals, support: np.ndarray, totals: Totals, tolerance: float) -> bool:
    """Whether integer multipliers λ, zero where a total is not given, are a proof: A'λ ≤ 0 and λ·t > 0.

    The first holds for all pairs of the `support`, which have a positive prior; the `tolerance` of the second is
    relative to the totals that have a multiplier.
    """
    if (over_pairs(proof, support.shape)[support] > 0).any():
        return False
    wanted = totals.each()
    parts = np.concatenate([(m * np.where(m != 0, wanted[kind], 0.0)).ravel() for kind, m in proof.each().items()])
    return bool(math.fsum(parts) > tolerance * np.abs(parts).sum())


def over_pairs(multipliers: Totals, shape: tuple[int, ...]) -> np.ndarray:
    """For every pair, the sum of the multipliers of its totals [origin, destination]."""
    sums = np.zeros(shape)
    kinds = multipliers.each()
    if "outflow" in kinds:
        sums += kinds["outflow"][:, None]
    if "inflow" in kinds:
        sums += kinds["inflow"]
    if "net" in kinds:
        sums += kinds["net"] - kinds["net"][:, None]
    if "block" in kinds:
        sums += kinds["block"][multipliers.blocks()]
    return sums


def _candidates(support: np.ndarray, totals: Totals, potentials: Totals) -> Iterator[Totals]:
    yield from _without_pairs(support, totals)
    wanted, at = totals.each(), potentials.each()
    if {"outflow", "inflow"} <= wanted.keys():
        for rows, columns in _overfull(support, wanted["outflow"], wanted["inflow"], at["outflow"]):
            yield _multipliers(totals, outflow=1.0 * rows, inflow=-1.0 * columns)
        for columns, rows in _overfull(support.T, wanted["inflow"], wanted["outflow"], at["inflow"]):
            yield _multipliers(totals, outflow=-1.0 * rows, inflow=1.0 * columns)
    if "net" in wanted:
        for zones in _closed(support, wanted["net"], -at["net"]):
            yield _multipliers(totals, net=1.0 * zones)
        for zones in _closed(support.T, -wanted["net"], at["net"]):
            yield _multipliers(totals, net=-1.0 * zones)
    if support.sum() <= _MOST_PAIRS:
        yield from _programmed(support, totals)


def _multipliers(totals: Totals, **chosen: np.ndarray) -> Totals:
    zero = {kind: np.zeros(value.shape) for kind, value in totals.each().items()}
    return totals.replaced(**zero | chosen)


def _without_pairs(support: np.ndarray, totals: Totals) -> Iterator[Totals]:
    """Positive totals without any pair in the support."""
    found = totals.replaced(net=None).of(1.0 * support)
    for kind, count in found.items():
        empty = (count == 0) & (totals.each()[kind] > 0)
        if empty.any():
            yield _multipliers(totals, **{kind: 1.0 * empty})


def _overfull(
    support: np.ndarray, demand: np.ndarray, room: np.ndarray, order: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows whose sum exceeds the sum of the columns they reach: a single row, or the first rows by potential.

    A row without a given total counts as zero, a column without one as infinite.
    """
    needs, holds = np.nan_to_num(demand, nan=0.0), np.where(np.isnan(room), np.inf, room)
    unbounded = (support & np.isinf(holds)).any(1)
    alone = np.where(unbounded, np.inf, support @ np.nan_to_num(holds, posinf=0.0))
    ranked = np.argsort(np.where(np.isnan(demand), np.inf, -order), kind="stable")
    reached = np.where(support.any(0), np.argmax(support[ranked], axis=0), len(demand))
    filled = np.cumsum(np.bincount(reached, np.nan_to_num(holds, posinf=0.0), minlength=len(demand) + 1)[:-1])
    open_ended = np.cumsum(np.bincount(reached, np.isinf(holds), minlength=len(demand) + 1)[:-1]) > 0
    excess = np.where(open_ended, -np.inf, np.cumsum(needs[ranked]) - filled)
    for chosen in ([np.argmax(needs - alone)], ranked[: np.argmax(excess) + 1]):
        rows = np.isin(np.arange(len(demand)), chosen) & ~np.isnan(demand)
        yield rows, support[rows].any(0)


def _closed(support: np.ndarray, net: np.ndarray, order: np.ndarray) -> Iterator[np.ndarray]:
    """Sets of zones with a net gain that no pair enters from outside: single zones, or the first zones by potential."""
    zones = np.arange(len(net))
    outside = support & (zones[:, None] != zones)
    barred = ~outside.any(0) & (net > 0)
    if barred.any():
        yield barred
    ranked = np.argsort(-order, kind="stable")
    sorted_support = outside[np.ix_(ranked, ranked)]
    last = np.where(sorted_support.any(0), len(net) - 1 - np.argmax(sorted_support[::-1], axis=0), -1)
    gains = np.where(np.maximum.accumulate(last) <= zones, np.cumsum(net[ranked]), -np.inf)
    if not np.isnan(gains).all():
        yield np.isin(zones, ranked[: np.nanargmax(gains) + 1])


def _programmed(support: np.ndarray, totals: Totals) -> Iterator[Totals]:
    """Multipliers from linear programming: −1 ≤ λ ≤ 1 with A'λ ≤ 0 and the largest λ·t, rounded to integers."""
    kinds = totals.each()
    flat = np.concatenate([value.ravel() for value in kinds.values()])
    given = ~np.isnan(flat)
    found = linprog(
        -np.where(given, flat, 0.0) / max(np.abs(flat[given]).max(initial=0.0), 1e-300),
        A_ub=_sums(support, totals),
        b_ub=np.zeros(int(support.sum())),
        bounds=np.stack([-1.0 * given, 1.0 * given], axis=1),
        method="highs",
    )
    if found.x is None:
        return
    ends = np.cumsum([value.size for value in kinds.values()])[:-1]
    for multiple in _MULTIPLES:
        parts = np.split(np.round(found.x * multiple), ends)
        yield _multipliers(totals, **{k: p.reshape(kinds[k].shape) for k, p in zip(kinds, parts, strict=True)})


def _sums(support: np.ndarray, totals: Totals) -> csr_array:
    """The matrix A' with one row per pair of the support and one column per total."""
    origin, destination = np.nonzero(support)
    pair = np.arange(len(origin))
    rows, columns, signs, first = [], [], [], 0
    for kind, value in totals.each().items():
        for index, sign in _parts(kind, origin, destination, totals):
            rows.append(pair)
            columns.append(first + index)
            signs.append(np.full(len(pair), sign))
        first += value.size
    entries = (np.concatenate(signs), (np.concatenate(rows), np.concatenate(columns)))
    return csr_array(entries, shape=(len(pair), first))


def _parts(kind: str, origin: np.ndarray, destination: np.ndarray, totals: Totals) -> list[tuple[np.ndarray, float]]:
    """Indices of the totals of a kind to which every pair belongs, and their signs."""
    if kind == "block":
        group = np.asarray(totals.origin_group)[origin] * totals.each()["block"].shape[1]
        return [(group + np.asarray(totals.destination_group)[destination], 1.0)]
    return {"outflow": [(origin, 1.0)], "inflow": [(destination, 1.0)], "net": [(destination, 1.0), (origin, -1.0)]}[
        kind
    ]


def _worded(proof: Totals, totals: Totals) -> str:
    """The contradiction in words: flows of the totals on the left belong to those on the right, which are smaller."""
    used = {kind for kind, m in proof.each().items() if m.any()}
    if used == {"net"}:
        within = proof.each()["net"] != 0
        gain = math.fsum(totals.each()["net"][within])
        way = "into" if gain > 0 else "out of"
        zones = listed(totals.names.of("net", within))
        return f"zones {zones} have a net migration of {gain:.12g}, and no pair leads {way} them"
    sides = []
    for sign in (1, -1):
        chosen = {kind: sign * m for kind, m in proof.each().items() if (sign * m > 0).any()}
        terms = [f"{kind} {listed(totals.names.of(kind, m))}" for kind, m in chosen.items()]
        amount = math.fsum(float(x) for k, m in chosen.items() for x in (m * totals.each()[k])[m > 0])
        sides.append((" and ".join(terms) or "nothing", amount))
    (left, more), (right, less) = sides
    return f"every flow of {left} is one of {right}, but they sum to {more:.12g} and {less:.12g}"
