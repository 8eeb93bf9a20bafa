"""`evaluation.csv`, `evaluation.json` and `evaluation.md` of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from flowmodel.config import Evaluation
    from flowmodel.evaluation.world import Part
    from flowmodel.runs.folder import RunFolder

_DIGITS = {"r2": 3, "rmse": 4, "mape": 2, "medape": 2, "malpe": 2, "sign": 3}


def write(folder: RunFolder, asked: Evaluation, parts: Mapping[str, Part], seconds: float) -> None:
    """Writes what there is so far."""
    from flowmodel import runtime

    rows = pd.concat([part.rows for part in parts.values()], ignore_index=True)
    of = asked.evaluate
    head: dict[str, Any] = {"draws": of.draws, "level": of.level, "tolerance": of.tolerance}
    notes = {name: part.notes for name, part in parts.items()}
    end = {"seconds": seconds, "memory_gb": runtime.peak_memory_gb()}
    folder.write("evaluation.csv", lambda path: rows.to_csv(path, index=False))
    folder.write_json("evaluation.json", head | {"parts": notes} | end)
    folder.write_text("evaluation.md", markdown(rows, of.level))


def markdown(rows: pd.DataFrame, level: float) -> str:
    """The rows as tables, one a protocol and stratum: models down, metrics across."""
    text = [f"Square brackets: {100 * level:g} % intervals, provinces drawn with replacement.", ""]
    for (protocol, stratum), group in rows.groupby(["protocol", "stratum"], sort=False):
        metrics = list(dict.fromkeys(group["metric"]))
        text += [f"**{protocol}, {stratum}** ({group['zones'].iloc[0]:,})", ""]
        text += ["| | " + " | ".join(metrics) + " |", "|---" * (len(metrics) + 1) + "|"]
        for model, of in group.groupby("model", sort=False):
            cells = {row.metric: _cell(row) for row in of.itertuples()}
            text.append(f"| {model} | " + " | ".join(cells.get(name, "") for name in metrics) + " |")
        text.append("")
    return "\n".join(text)


def _cell(row: Any) -> str:
    digits = _DIGITS.get(row.metric, 3)
    value = f"{row.value:.{digits}f}"
    if not np.isfinite(row.lower):
        return value
    return f"{value} [{row.lower:.{digits}f}, {row.upper:.{digits}f}]"
