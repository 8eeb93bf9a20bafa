"""Laws compared on one table: deviance and AIC in sample, deviance and CPC on pairs that were held out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool

from flowmodel.errors import FlowsError
from flowmodel.interaction.calibrate import Calibrated, calibrate, known_flows
from flowmodel.interaction.model.table import FlowTable, Specification
from flowmodel.interaction.scoring.deviance import deviance
from flowmodel.interaction.scoring.scores import scores

Report = Callable[[str], None]


_COLUMNS = [
    *("law", "parameters", "degrees", "deviance", "aic", "cpc"),
    *("held_out_pairs", "held_out_unreached", "held_out_deviance", "held_out_cpc", "verdict"),
]


def held_out(allowed: Bool[np.ndarray, "o d"], share: float, seed: int) -> Bool[np.ndarray, "o d"]:
    """Pairs drawn to be held out, each with probability `share`, the same for every law."""
    drawn = np.random.default_rng(seed).random(allowed.shape) < share
    return np.asarray(allowed & drawn)


def compare(
    table: FlowTable,
    specifications: Mapping[str, Specification],
    *,
    share: float,
    seed: int,
    report: Report,
    tolerance: float = 1e-10,
    most_steps: int = 100,
) -> pd.DataFrame:
    """Every law fitted to all pairs, and once more to those not held out.

    Args:
        table: observed flows.
        specifications: by the name of the law.
        share: of the pairs that are held out.
        seed: of the draw.
        report: told what is fitted.
        tolerance: as of `calibrate`.
        most_steps: likewise.

    Returns:
        A row a law, the best AIC first: law, parameters, degrees, deviance, aic, cpc; held_out_pairs (of known flow,
        not separated), held_out_unreached (of a zone that had no other flow: no law has a mean), held_out_deviance
        (Poisson's, infinite where a law gives no chance to a flow that was) and held_out_cpc; verdict, of the first of
        the two fits that has not converged. A law that cannot be fitted has its error as verdict, and a fit that
        has not converged has no number.
    """
    out = held_out(table.allowed, share, seed)
    fitted = partial(calibrate, table, tolerance=tolerance, most_steps=most_steps)
    rows = []
    for name, specification in specifications.items():
        report(name)
        try:
            rows.append({"law": name, **_row(table, specification, out, fitted)})
        except FlowsError as error:
            rows.append({"law": name, "verdict": str(error)})
    frame = pd.DataFrame(rows).reindex(columns=_COLUMNS)
    return frame.sort_values("aic", kind="stable", na_position="last").reset_index(drop=True)


def _row(
    table: FlowTable, specification: Specification, out: Bool[np.ndarray, "o d"], fitted: Callable[..., Calibrated]
) -> dict[str, Any]:
    whole = fitted(specification)
    # From a start of its own: the whole fit has seen what is held out.
    part = fitted(specification, without=out)
    known = known_flows(table, specification)
    judged = out & known & ~part.separated & part.reached
    verdicts = [fit.optimum.verdict for fit in (whole, part)]
    row = {"parameters": len(whole.built.names), "degrees": whole.degrees, "verdict": max(verdicts, key=_worse)}
    if whole.optimum.converged:
        row |= {"deviance": whole.deviance, "aic": whole.aic}
        row |= {"cpc": _cpc(table.flow, whole.fitted, whole.taking & known)}
    if part.optimum.converged:
        row |= {
            "held_out_pairs": int(judged.sum()),
            "held_out_unreached": int((out & known & ~part.reached).sum()),
            "held_out_deviance": deviance(table.flow, part.fitted, judged),
            "held_out_cpc": _cpc(table.flow, part.fitted, judged),
        }
    return row


def _worse(verdict: str) -> bool:
    return verdict != "converged"


def _cpc(observed: np.ndarray, fitted: np.ndarray, pairs: Bool[np.ndarray, "o d"]) -> float:
    return scores(observed, fitted, pairs, None)["cpc"]
