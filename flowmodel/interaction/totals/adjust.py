"""The flow table with target totals that is nearest to a prior table.

Given a prior m ≥ 0, finds the y that minimises the relative entropy Σ [y log(y / m) − y + m] among tables with the
target totals: outflows, inflows, sums of blocks, net migration, each of them complete or in part. It has the form
y_od = m_od exp(u_o + v_d + b_g(o)h(d) + n_o − n_d), so pairs that are zero remain zero. With outflows and inflows it
is iterative proportional fitting (Deming & Stephan 1940); with net migration alone the adjustment of Plane (1981),
"Estimation of place-to-place migration flows from net migration totals", Int. Reg. Sci. Rev. 6(1), 33–51.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from flowmodel.errors import NotConvergedError
from flowmodel.interaction.totals import certificate, checks
from flowmodel.interaction.totals.checks import Totals
from flowmodel.interaction.totals.dual import PerTotal, Problem
from flowmodel.interaction.totals.newton import solve

_SWEEPS = 10
_FIRST_STEPS = 25
"""Newton steps after which a proof of contradiction is sought; totals that are possible need far fewer."""
_LOST = 1e-6
"""Ratio of a pair's share of its zones' flows to its share in the prior below which the flow may tend to zero."""


@dataclasses.dataclass(frozen=True)
class Adjusted:
    """A table with the target totals.

    Attributes:
        flow: y [origin, destination], in the units of the totals.
        potentials: logarithms of the factors u, v, b, n of the module's equation, one for each total. Zero where no
            total is given, −inf where it is zero. They are determined up to constants that do not change flows: v and
            n have mean zero if all their totals are given.
        residual: |sum of `flow` − total|, relative to the total; NaN where none is given. For net totals it is relative
            to the zone's outflow, its inflow or the mean outflow of a zone, whichever is largest (with net totals
            alone, the mean outflow of the prior if that is larger).
        vanishing: [pair, 2], origins and destinations of pairs with a positive prior whose flow tends to zero, since
            the totals can be met only without them.
        steps: Newton steps.
    """

    flow: np.ndarray
    potentials: Totals
    residual: Totals
    vanishing: np.ndarray
    steps: int


def nearest_table(prior: np.ndarray, totals: Totals, *, tolerance: float = 1e-12, most_steps: int = 100) -> Adjusted:
    """The table with `totals` that is nearest to `prior` in relative entropy.

    Args:
        prior: m [origin, destination], not negative; pairs with zero have no flow.
        totals: target totals; their sums must agree with each other within `tolerance`.
        tolerance: largest relative error of a total (see `Adjusted.residual`).
        most_steps: largest number of Newton steps.

    Raises:
        FlowsError: E-TOTALS-SHAPE, E-TOTALS-NEGATIVE, E-TOTALS-SUM, E-TOTALS-EMPTY before solving; E-TOTALS-IMPOSSIBLE
            with a set of totals that no table on the prior's pairs can have.
        NotConvergedError: E-TOTALS-CONVERGED, the totals are not met, without a proof that they cannot be.
    """
    prior = checks.checked(prior, totals, tolerance)
    asked = _without_net(totals, tolerance)
    allowed = np.where(checks.zero_pairs(prior.shape, asked), 0.0, prior)
    found, steps = _solved(allowed, asked, tolerance, most_steps)
    signed = found.replaced(net=None if found.net is None else -found.net)
    flow = np.where(allowed > 0, allowed * np.exp(certificate.over_pairs(signed, allowed.shape)), 0.0)
    residual = _residual(flow, allowed, totals)
    largest = max(np.nanmax(r, initial=0.0) for r in residual.each().values())
    if not largest <= tolerance:
        raise _not_converged(residual, largest, steps)
    potentials = _centred(_restored(found, totals), totals)
    gone = _vanishing(allowed, flow, tolerance) if _spread(found) > np.log(1 / _LOST) else np.zeros((0, 2), int)
    return Adjusted(flow, potentials, residual, gone, steps)


def _without_net(totals: Totals, tolerance: float) -> Totals:
    """Equivalent totals in which only zones without outflow and inflow have net migration.

    Net migration is replaced by inflow where outflow is given, and by outflow where inflow is given. The flows are the
    same, but Newton's method needs far fewer products: the potentials of a zone's outflow and net migration act on the
    same row, which makes the system ill-conditioned. A difference of flows below the share `tolerance` of them is set
    to zero as a rounding error.
    """
    kinds = totals.each()
    if "net" not in kinds or not kinds.keys() & {"outflow", "inflow"}:
        return totals
    net, outflow, inflow = _zones(kinds)
    left = np.where(np.isnan(outflow) & np.isnan(inflow), net, np.nan)

    def rounded(difference: np.ndarray, of: np.ndarray) -> np.ndarray:
        return np.where(difference <= tolerance * of, 0.0, difference)

    return dataclasses.replace(
        totals,
        outflow=np.where(np.isnan(outflow), rounded(inflow - net, inflow), outflow),
        inflow=np.where(np.isnan(inflow), rounded(outflow + net, outflow), inflow),
        net=None if np.isnan(left).all() else left,
    )


def _restored(potentials: Totals, totals: Totals) -> Totals:
    """Potentials of `totals` from those u′, v′ of `_without_net(totals)`: u + n = u′ and v − n = v′."""
    kinds = totals.each()
    if "net" not in kinds or not kinds.keys() & {"outflow", "inflow"}:
        return potentials
    net, outflow, inflow = _zones(kinds)
    at = potentials.each()
    by_outflow = ~np.isnan(net + outflow) & np.isnan(inflow)
    by_inflow = ~np.isnan(net + inflow) & np.isnan(outflow)
    moved = np.select([by_outflow, by_inflow], [-at["inflow"], at["outflow"]], 0.0)
    back = {
        "outflow": at["outflow"] - moved,
        "inflow": at["inflow"] + moved,
        "net": moved + at.get("net", np.zeros(len(net))),
    }
    return totals.replaced(**{kind: back.get(kind, at.get(kind)) for kind in kinds})


def _zones(kinds: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    unknown = np.full(kinds["net"].shape, np.nan)
    return kinds["net"], kinds.get("outflow", unknown), kinds.get("inflow", unknown)


def _solved(allowed: np.ndarray, totals: Totals, tolerance: float, most_steps: int) -> tuple[Totals, int]:
    """Potentials and steps. If the first steps do not converge, a proof that the totals are impossible is sought."""
    problem = _problem(allowed, totals)
    at: PerTotal = jax.tree.map(lambda a: jnp.asarray(np.zeros(a.shape)), problem.wanted)
    first = min(_FIRST_STEPS, most_steps)
    at, steps, error = solve(problem, at, tolerance / 2, sweeps=_SWEEPS, most_steps=first)
    taken = int(steps)
    if not error <= tolerance:
        certificate.refuse_impossible(allowed, totals, _named(at, totals), tolerance)
        at, steps, _ = solve(problem, at, tolerance / 2, sweeps=0, most_steps=most_steps - taken)
        taken += int(steps)
    return _named(at, totals), taken


def _named(at: PerTotal, totals: Totals) -> Totals:
    return totals.replaced(**{kind: np.array(getattr(at, kind)) for kind in totals.each()})


def _problem(allowed: np.ndarray, totals: Totals) -> Problem:
    wanted, given, kinds = {}, {}, totals.each()
    for kind in ("outflow", "inflow", "block", "net"):
        value = kinds.get(kind, np.zeros((0, 0) if kind == "block" else 0))
        known = ~np.isnan(value) & ((value != 0) | (kind == "net"))
        given[kind] = known.astype(float)
        wanted[kind] = np.where(known, -value if kind == "net" else value, 0.0)
    members = [np.zeros((n, 0)) for n in allowed.shape]
    if "block" in kinds:
        groups = (totals.origin_group, totals.destination_group)
        members = [np.eye(n)[np.asarray(g)] for n, g in zip(kinds["block"].shape, groups, strict=True)]
    device = jax.tree.map(jnp.asarray, [wanted, given, allowed, *members])
    return Problem(device[2], PerTotal(**device[0]), PerTotal(**device[1]), device[3], device[4])


def _centred(potentials: Totals, totals: Totals) -> Totals:
    """Potentials with the undetermined constants removed (see `Adjusted.potentials`), −inf where a total is zero."""
    found, wanted = potentials.each(), totals.each()
    complete = {kind for kind, total in wanted.items() if not np.isnan(total).any()}
    if "net" in complete:
        found["net"] = found["net"] - found["net"].mean()
    if {"outflow", "inflow"} <= complete:
        constant = found["inflow"].mean()
        found |= {"outflow": found["outflow"] + constant, "inflow": found["inflow"] - constant}
    closed = {k: np.where((wanted[k] == 0) & (k != "net"), -np.inf, found[k]) for k in found}
    return totals.replaced(**closed)


def _spread(potentials: Totals) -> float:
    """Upper bound of the difference between two pairs' sums of potentials."""
    ranges = {kind: np.ptp(value) for kind, value in potentials.each().items()}
    return float(sum(ranges.values()) + ranges.get("net", 0.0))


def _residual(flow: np.ndarray, allowed: np.ndarray, totals: Totals) -> Totals:
    found, wanted = totals.of(flow), totals.each()
    alone = all(np.isnan(wanted[kind]).all() for kind in wanted.keys() - {"net"})
    mean = max(flow.sum(), allowed.sum() if alone else 0.0) / len(flow)
    sizes = dict(wanted)
    if "net" in wanted:
        sizes["net"] = np.maximum(np.maximum(flow.sum(0), flow.sum(1)), mean)
    sizes = {kind: np.where(size == 0, 1.0, size) for kind, size in sizes.items()}
    return totals.replaced(**{k: np.abs(found[k] - wanted[k]) / sizes[k] for k in wanted})


def _vanishing(allowed: np.ndarray, flow: np.ndarray, tolerance: float) -> np.ndarray:
    """Pairs whose shares of their row and column are negligible in `flow`, but not in the prior."""
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = [(flow / flow.sum(i, keepdims=True), allowed / allowed.sum(i, keepdims=True)) for i in (0, 1)]
    lost = allowed > 0
    for share, before in shares:
        lost &= (share <= 10 * tolerance) & (share <= _LOST * before)
    return np.argwhere(lost)


def _not_converged(residual: Totals, largest: float, steps: int) -> NotConvergedError:
    where = [
        (error, f"{kind} {name}")
        for kind, errors in residual.each().items()
        for error, name in zip(errors[errors > 0], residual.names.of(kind, errors > 0), strict=True)
    ]
    worst = "; ".join(f"{name}: {error:.1e}" for error, name in sorted(where, reverse=True)[:5])
    what = f"after {steps} steps the largest relative error of the totals is {largest:.1e}; the largest are {worst}"
    fix = "allow more steps or a larger tolerance; a prior with few positive pairs may hardly allow these totals"
    return NotConvergedError("E-TOTALS-CONVERGED", what, fix)
