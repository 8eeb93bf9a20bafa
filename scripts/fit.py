"""Fits the model of a configuration to what the censuses observed, and writes the run folder."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from _command import Config, Out, RunFolder, Settings, cli, run_folder

if TYPE_CHECKING:
    import pandas as pd
    from _inputs import Request

    from flowmodel.fit.calibrate import Fitted
    from flowmodel.model import Model


def fit(config: Config, set_: Settings = (), out: Out = None) -> int:
    """Fits CONFIG and writes its run folder.

    Args:
        config: the configuration, a TOML file.
        set_: overrides one value of the configuration; may be repeated.
        out: the run folder; runs/NAME if not given.
    """
    import _inputs

    started = time.perf_counter()
    asked = _inputs.request(config, set_, out)
    with run_folder(asked.out) as folder:
        return _fit(asked, folder, started)


def _fit(asked: Request, folder: RunFolder, started: float) -> int:
    import _inputs
    import _show

    from flowmodel import model as models
    from flowmodel import runtime
    from flowmodel.fit import calibrate

    folder.log("started", config=asked.config.run.name)
    table = _inputs.obtain(asked, folder)
    runtime.configure(asked.config.runtime)
    model = models.build(table, asked.config, runtime.kernel_dtype(asked.config.runtime))
    built = time.perf_counter()
    with runtime.compile_seconds() as compiling, _show.progress() as progress:
        fitted = calibrate.calibrate(model, asked.config.fit, asked.config.run.seed, progress)
    ended = time.perf_counter()
    seconds = {
        "build": built - started,
        "compile": compiling(),
        "fit": ended - built - compiling(),
        "total": ended - started,
    }
    parameters = _parameters(model, fitted, asked.config.truth)
    report = _metrics(model, fitted, seconds)
    _write(asked, folder, model, fitted, parameters, report)
    _show.fitted(parameters, report, folder.path)
    return _status(fitted, asked)


def _parameters(model: Model, fitted: Fitted, truth: dict[str, float]) -> pd.DataFrame:
    from flowmodel.fit import inference

    rows = inference.table(model.registry, fitted.outcome.natural, fitted.inference)
    if truth:
        rows["truth"] = [truth.get(name) for name in rows["name"]]
    return rows


def _metrics(model: Model, fitted: Fitted, seconds: dict[str, float]) -> dict[str, Any]:
    from flowmodel import results, runtime

    growth, baselines = results.growth_scores(model, fitted.accounts)
    first, last = model.years
    return {
        "verdict": fitted.outcome.verdict,
        "flags": fitted.flags(),
        "remaining_step": fitted.outcome.remaining,
        "growth": growth,
        "baselines": baselines,
        "scored": "in sample",
        "without_growth": results.without_growth(model),
        "targets": fitted.targets(),
        "national": {
            "observed": float(model.table.population(last).sum()),
            "fitted": float(fitted.accounts.closing[-1].sum()),
        },
        "divide": results.divide_shares(model, fitted.accounts),
        "accounts": {
            "largest_residual_persons": float(abs(fitted.accounts.residual()).max()),
            "largest_national_residual": float(abs(fitted.accounts.national_residual()).max()),
        },
        "identification": fitted.identification(),
        "seconds": seconds,
        "memory_gb": runtime.peak_memory_gb(),
    }


def _write(
    asked: Request, folder: RunFolder, model: Model, fitted: Fitted, parameters: pd.DataFrame, report: dict[str, Any]
) -> None:
    import _inputs

    _inputs.write_run(asked, folder, model, fitted.accounts)
    folder.write("parameters.csv", lambda path: parameters.to_csv(path, index=False))
    folder.write_json("metrics.json", report)
    folder.log("finished", verdict=report["verdict"], flags=report["flags"], seconds=report["seconds"])


def _status(fitted: Fitted, asked: Request) -> int:
    unidentified = asked.config.fit.require_identified and "not_identified" in fitted.inference.status
    return 5 if fitted.outcome.verdict != "converged" or unidentified else 0


if __name__ == "__main__":
    cli(fit)
