"""The tables of an evaluation: rows, notes, and the rows as Markdown."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from flowmodel.config import Evaluate
from flowmodel.evaluation.world import Part

_DIGITS = {"r2": 3, "rmse": 4, "mape": 2, "medape": 2, "malpe": 2, "sign": 3}


def rows(parts: Mapping[str, Part]) -> pd.DataFrame:
    """The rows of all finished parts."""
    return pd.concat([part.rows for part in parts.values()], ignore_index=True)


def notes(of: Evaluate, parts: Mapping[str, Part]) -> dict[str, Any]:
    """How intervals are made, and the notes of each finished part."""
    head: dict[str, Any] = {"draws": of.draws, "level": of.level, "tolerance": of.tolerance}
    return head | {"parts": {name: part.notes for name, part in parts.items()}}


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
