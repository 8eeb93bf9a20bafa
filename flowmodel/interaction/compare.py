"""Comparison of laws on one table: deviance and AIC in sample, deviance and CPC on pairs held out."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool

from flowmodel.errors import FlowsError
from flowmodel.interaction.calibrate import Calibrated, calibrate, known_flows
from flowmodel.interaction.model.table import FlowTable, Specification
from flowmodel.interaction.scoring.scores import deviance, scores
from flowmodel.interaction.search.estimate import DEFAULT

Report = Callable[[str], None]


_COLUMNS = [
    *("law", "parameters", "degrees", "deviance", "aic", "cpc"),
    *("held_out_pairs", "held_out_unreached", "held_out_deviance", "held_out_cpc", "verdict"),
]


def held_out(allowed: Bool[np.ndarray, "o d"], share: float, seed: int) -> Bool[np.ndarray, "o d"]:
    """A random sample of pairs to hold out, each with probability `share`."""
    drawn = np.random.default_rng(seed).random(allowed.shape) < share
    return np.asarray(allowed & drawn)


def compare(
    table: FlowTable,
    specifications: Mapping[str, Specification],
    *,
    share: float,
    seed: int,
    report: Report,
    tolerance: float = DEFAULT.tolerance,
    most_steps: int = DEFAULT.most_steps,
) -> pd.DataFrame:
    """Fits every law to all pairs, and again without a random `share` of pairs held out.

    `report` is called with the name of each law; `tolerance` and `most_steps` are those of `calibrate`.

    Returns:
        One row for each law, sorted by AIC: `law`, `parameters`, `degrees`, `deviance`, `aic`, `cpc` of the fit to all
        pairs; `held_out_pairs` (with known flow, not separated), `held_out_unreached` (pairs of zones without other
        flows, whose means are unknown), `held_out_deviance` (Poisson; infinite if a positive flow has mean zero),
        `held_out_cpc`; `verdict` of the two fits, or the error of a law that cannot be fitted. Fits that have not
        converged have no numbers.
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
    complete = fitted(specification)
    # It does not start from the complete fit, which uses the pairs held out.
    part = fitted(specification, without=out)
    known = known_flows(table, specification)
    judged = out & known & ~part.separated & part.reached
    verdicts = [fit.optimum.verdict for fit in (complete, part)]
    verdict = max(verdicts, key=lambda verdict: verdict != "converged")
    row = {"parameters": len(complete.built.names), "degrees": complete.degrees, "verdict": verdict}
    if complete.optimum.converged:
        row |= {"deviance": complete.deviance, "aic": complete.aic}
        row |= {"cpc": _cpc(table.flow, complete.fitted, complete.in_fit & known)}
    if part.optimum.converged:
        row |= {
            "held_out_pairs": int(judged.sum()),
            "held_out_unreached": int((out & known & ~part.reached).sum()),
            "held_out_deviance": deviance(table.flow, part.fitted, judged),
            "held_out_cpc": _cpc(table.flow, part.fitted, judged),
        }
    return row


def _cpc(observed: np.ndarray, fitted: np.ndarray, pairs: Bool[np.ndarray, "o d"]) -> float:
    return scores(observed, fitted, pairs, None)["cpc"]
