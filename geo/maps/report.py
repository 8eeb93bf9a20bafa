"""One self-contained HTML page about a run: no scripts, nothing fetched, every text from the data escaped."""

import base64
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd

from geo.errors import DataError, error
from geo.results import run_folder
from geo.results.run_folder import RunFolder
from geo.results.whole_files import write_bytes

from . import figures
from .account import SIDES, east_share, side_years, worst_zone

# Targets that see only how zones grew: they cannot tell a barrier from a distance (docs/model.md).
GROWTH_TARGETS = frozenset({"growth", "national_total"})

_TABLES = ("parameters.csv", "accounts.csv", "metrics.json", "provenance.json")
_BASELINES = {
    "no_change": "no change",
    "uniform_national": "uniform national growth",
    "natural_increase": "natural increase only",
    "ols": "linear regression on the same covariates",
}
_ISSUES_SHOWN = 20
_MISSES_SHOWN = 10
_CLOSES_PEOPLE = 1.0


def write(run: Path, path: Path) -> None:
    """Write the page of a run, and its figures as PNG under `run/figures`.

    Raises:
        DataError: E-RUN-FILE for each file of the run that is missing.
    """
    source = run_folder.read(run)
    run_folder.require(run, *_TABLES)
    images = figures.write(source, run / "figures")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, render(source, images).encode("utf-8"))


def render(run: RunFolder, images: Mapping[str, bytes]) -> str:
    """The page as text."""
    return _environment().get_template("report.html.j2").render(context(run, images))


def context(run: RunFolder, images: Mapping[str, bytes]) -> dict[str, Any]:
    """Everything the page shows, by the names its template uses."""
    metrics, provenance = _json(run.path / "metrics.json"), _json(run.path / "provenance.json")
    accounts = pd.read_csv(run.path / "accounts.csv", dtype={"zone": str, "group": str})
    account = {side: side_years(run, side) for side in SIDES}
    residual = max(float(years["residual"].abs().max()) for years in account.values())
    zone_residual = worst_zone(accounts)
    return {
        "run": run,
        "title": str(run.zones.attrs["title"]),
        "growth_only": _growth_only(run.path),
        "metrics": metrics,
        "scores": _scores(metrics),
        "parameters": _rows(run.path / "parameters.csv"),
        "residents": [_residents(run, year) for year in run.censuses],
        "land_east": east_share(run, run.zone("area")),
        "account": {side: list(years.itertuples()) for side, years in account.items()},
        "residual": residual,
        "zone_residual": zone_residual,
        "closes": max(residual, zone_residual) <= _CLOSES_PEOPLE,
        "misses": _misses(run),
        "rules": json.loads(run.zones.attrs["rules"]),
        "inputs": json.loads(run.zones.attrs["inputs"]),
        "issues": _rows(run.path / "issues.csv") if (run.path / "issues.csv").is_file() else [],
        "issues_shown": _ISSUES_SHOWN,
        # The inputs have a table of their own.
        "provenance": {name: value for name, value in provenance.items() if name != "inputs"},
        "images": {name: base64.b64encode(image).decode("ascii") for name, image in images.items()},
    }


def number(value: object, digits: int = 3) -> str:
    """A number for a reader: `digits` significant digits, "n/a" for none; a text that is no number stays as it is."""
    if value is None or value == "":
        return "n/a"
    try:
        known = float(str(value))
    except ValueError:
        return str(value)
    return "n/a" if math.isnan(known) else f"{known:.{digits}g}"


def people(value: float) -> str:
    """Persons, rounded to whole ones for the eye only."""
    return f"{value:,.0f}"


def plain(value: object) -> str:
    """A value of metrics.json in one line, whatever its shape."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {plain(part)}" for key, part in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(plain(part) for part in value)
    if value is None:
        return "none"
    return number(value) if isinstance(value, float) else str(value)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("geo.maps", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "people": people, "plain": plain}
    return environment


def _growth_only(run: Path) -> bool:
    return set(run_folder.settings(run).get("fit", {}).get("targets", [])) <= GROWTH_TARGETS


def _scores(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One table an interval: the model first, then the baselines, and which of these have the smaller error."""
    tables = []
    for interval, scores in metrics["growth"].items():
        baselines = {name: by_interval[interval] for name, by_interval in metrics["baselines"].items()}
        rows = [("fitted model", scores)] + [(_BASELINES.get(n, n), found) for n, found in baselines.items()]
        better = [label for label, found in rows[1:] if _smaller(found["rmse"], scores["rmse"])]
        tables.append({"interval": interval, "columns": list(scores), "rows": rows, "better": better})
    return tables


def _smaller(one: float | None, other: float | None) -> bool:
    return one is not None and (other is None or one < other)


def _residents(run: RunFolder, year: int) -> dict[str, Any]:
    observed, fitted = run.observed(year), run.fitted(year)
    return {
        "year": year,
        "observed": float(observed.sum()),
        "fitted": float(fitted.sum()),
        "observed_east": east_share(run, observed),
        "fitted_east": east_share(run, fitted),
    }


def _misses(run: RunFolder) -> list[dict[str, Any]]:
    observed, fitted = run.growth(run.period)
    gap = observed - fitted
    known = np.flatnonzero(np.isfinite(gap))
    worst = known[np.argsort(-np.abs(gap[known]), kind="stable")][:_MISSES_SHOWN]
    columns = {
        "code": np.array(run.codes),
        "name": run.zones["name"].values.astype(str),
        "province": run.zones["province_name"].values.astype(str),
        "people": run.observed(run.period[0]),
        "observed": observed,
        "fitted": fitted,
        "gap": gap,
    }
    return [{name: values[row].item() for name, values in columns.items()} for row in worst]


def _rows(path: Path) -> list[dict[str, str]]:
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    return [{str(name): str(value) for name, value in row.items()} for row in frame.to_dict(orient="records")]


def _json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as failure:
        issue = error("E-RUN-JSON", path.name, rule=f"not the JSON a run writes: {failure}", fix="run the fit again")
        raise DataError([issue]) from None
