"""Replaces net migration by inflow where outflow is given, and by outflow where inflow is given.

The resulting flows are the same and the potentials can be converted, but Newton's method needs far fewer products: the
potentials of a zone's outflow and net migration act on the same row, which makes the system ill-conditioned.
"""

import dataclasses

import numpy as np

from flowmodel.interaction.totals.checks import Totals


def without_net(totals: Totals, tolerance: float) -> Totals:
    """Equivalent totals in which only zones without outflow and inflow have net migration.

    Args:
        totals: consistent totals.
        tolerance: a difference of flows below this share of them is set to zero as a rounding error.
    """
    kinds = totals.each()
    if "net" not in kinds or not kinds.keys() & {"outflow", "inflow"}:
        return totals
    net, outflow, inflow = _zones(kinds)
    left = np.where(np.isnan(outflow) & np.isnan(inflow), net, np.nan)
    return dataclasses.replace(
        totals,
        outflow=np.where(np.isnan(outflow), _rounded(inflow - net, inflow, tolerance), outflow),
        inflow=np.where(np.isnan(inflow), _rounded(outflow + net, outflow, tolerance), inflow),
        net=None if np.isnan(left).all() else left,
    )


def restored(potentials: Totals, totals: Totals) -> Totals:
    """Potentials of `totals` from those u′, v′ of `without_net(totals)`: u + n = u′ and v − n = v′."""
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
    kept = {kind: back.get(kind, at.get(kind)) for kind in kinds}
    return totals.replaced(kept)


def _zones(kinds: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    unknown = np.full(kinds["net"].shape, np.nan)
    return kinds["net"], kinds.get("outflow", unknown), kinds.get("inflow", unknown)


def _rounded(left: np.ndarray, of: np.ndarray, tolerance: float) -> np.ndarray:
    return np.where(left <= tolerance * of, 0.0, left)
