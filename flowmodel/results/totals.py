"""What flows with given totals leave behind, as tables and dictionaries."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from flowmodel.interaction.totals import Adjusted, Totals
from flowmodel.results.flows import labelled


def flows(zones: tuple[str, ...], prior: np.ndarray, flow: np.ndarray) -> pa.Table:
    """The rows of `flows.parquet`, one a pair that can be: origin, destination, prior, flow."""
    rows, columns = np.nonzero(prior)
    return pa.table(
        {
            "origin": labelled(zones, rows),
            "destination": labelled(zones, columns),
            "prior": pa.array(prior[rows, columns]),
            "flow": pa.array(flow[rows, columns]),
        }
    )


def spread(table: pa.Table, zones: tuple[str, ...]) -> np.ndarray:
    """The flows of such a table as a rectangle [origin, destination]."""
    grid = np.zeros((len(zones), len(zones)))
    index = [table[side].combine_chunks().indices.to_numpy() for side in ("origin", "destination")]
    np.add.at(grid, tuple(index), table["flow"].to_numpy())
    return grid


def totals(flow: np.ndarray, asked: Totals, found: Adjusted) -> pd.DataFrame:
    """The rows of `totals.csv`, one a total that is given: kind, zone, to, wanted, found, residual, potential.

    Args:
        flow: as written [origin, destination].
        asked: the totals that are wanted.
        found: residuals (relative, see `Adjusted`) and potentials.

    Returns:
        `zone` is the zone, or of a block the group of origins; `to` the group of destinations, and empty elsewhere.
    """
    of_flow = asked.of(flow)
    frames = []
    for kind, wanted in asked.each().items():
        given = ~np.isnan(wanted)
        names = [[str(label) for label in labels or ()] for labels in asked.names.axes(kind)]
        index = np.nonzero(given)
        called = [[labels[at] for at in where] for labels, where in zip(names, index, strict=True)]
        columns = {
            "kind": kind,
            "zone": called[0],
            "to": called[1] if len(called) == 2 else "",
            "wanted": wanted[given],
            "found": of_flow[kind][given],
            "residual": found.residual.each()[kind][given],
            "potential": found.potentials.each()[kind][given],
        }
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)


def vanishing(zones: tuple[str, ...], prior: np.ndarray, found: Adjusted) -> pd.DataFrame:
    """The rows of `vanishing.csv`: pairs that the totals leave nothing, though the prior has some."""
    rows, columns = found.vanishing.T
    names = np.array(zones, dtype=object)
    return pd.DataFrame({"origin": names[rows], "destination": names[columns], "prior": prior[rows, columns]})


def metrics(table: pa.Table, given: pd.DataFrame, found: Adjusted) -> dict[str, Any]:
    """The flows in `metrics.json`: their sums, and how far they are from the totals."""
    return {
        "verdict": "converged",
        "flags": ["vanishing"] if len(found.vanishing) else [],
        "largest_residual": float(given["residual"].max()),
        "largest_error": float((given["found"] - given["wanted"]).abs().max()),
        "steps": found.steps,
        "pairs": len(table),
        "vanishing_pairs": len(found.vanishing),
        "prior": math.fsum(table["prior"].to_numpy()),
        "flow": math.fsum(table["flow"].to_numpy()),
        "totals": {str(kind): _sums(rows) for kind, rows in given.groupby("kind", sort=False)},
    }


def _sums(rows: pd.DataFrame) -> dict[str, Any]:
    return {
        "given": len(rows),
        "wanted": math.fsum(rows["wanted"]),
        "found": math.fsum(rows["found"]),
        "largest_residual": float(rows["residual"].max()),
    }
