"""Fits the model of a configuration to what the censuses observed, and writes the run folder."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from flowmodel.runs.folder import Config, Device, Out, RunFolder, Settings, cli, on_device, prepare, run_folder

if TYPE_CHECKING:
    import pandas as pd

    from flowmodel.estimation.calibrate import Fitted
    from flowmodel.parameters.registry import Registry
    from flowmodel.runs.request import Request


def fit(config: Config, set_: Settings = (), out: Out = None, device: Device = None) -> int:
    """Fits CONFIG and writes its run folder.

    Args:
        config: the configuration, a TOML file.
        set_: overrides one value of the configuration; may be repeated.
        out: the run folder; runs/NAME if not given.
        device: what computes, whatever the configuration says; one that is not there is an error.
    """
    from flowmodel.runs import request

    started = time.perf_counter()
    asked = request.request(config, on_device(set_, device), out)
    with run_folder(asked.out) as folder:
        return _fit(asked, folder, started)


def _fit(asked: Request, folder: RunFolder, started: float) -> int:
    from flowmodel import runtime
    from flowmodel.estimation import calibrate, profile
    from flowmodel.runs import console, request

    folder.log("started", config=asked.config.run.name)
    prepare(asked.config.runtime)
    table = request.obtain(asked, folder)
    kind = request.kind(asked.config)
    built = time.perf_counter()

    def fitted_on(model: Any) -> Fitted[Any]:
        nonlocal built
        goal, built = kind.objective(model, asked), time.perf_counter()
        return calibrate.calibrate(goal, partial(kind.run, model), asked.config.fit, asked.config.run.seed, progress)

    with runtime.compile_seconds() as compiling, console.progress() as progress:
        model, fitted = request.in_tiles(asked, table, runtime.kernel_dtype(asked.config.runtime), fitted_on)
    ended = time.perf_counter()
    seconds = {
        "build": built - started,
        "compile": compiling(),
        "fit": ended - built - compiling(),
        "total": ended - started,
    }
    parameters = _parameters(model.registry, fitted, asked.config.truth)
    report = _metrics(kind, model, fitted, seconds)
    request.write_run(asked, folder, kind, model, fitted.accounts)
    folder.write("parameters.csv", lambda path: parameters.to_csv(path, index=False))
    if fitted.profiles:
        profiles = profile.table(fitted.profiles)
        folder.write("profiles.csv", lambda path: profiles.to_csv(path, index=False))
    folder.write_json("metrics.json", report)
    folder.log("finished", verdict=report["verdict"], flags=report["flags"], seconds=report["seconds"])
    console.fitted(parameters, report, folder.path)
    return _status(fitted, asked)


def _parameters(registry: Registry, fitted: Fitted[Any], truth: dict[str, float]) -> pd.DataFrame:
    from flowmodel.estimation import inference

    rows = inference.table(registry, fitted.outcome.natural, fitted.inference)
    if truth:
        rows["truth"] = [truth.get(name) for name in rows["name"]]
    return rows


def _metrics(kind: Any, model: Any, fitted: Fitted[Any], seconds: dict[str, float]) -> dict[str, Any]:
    from flowmodel import runtime
    from flowmodel.results import residents

    end = kind.end(fitted.accounts)
    return {
        "verdict": fitted.outcome.verdict,
        "flags": fitted.flags(),
        "remaining_step": fitted.outcome.remaining,
        **kind.report(model, fitted.accounts),
        "scored": "in sample",
        "without_growth": residents.without_growth(model),
        "targets": fitted.targets(),
        "national": {"observed": float(model.table.population(model.years[1]).sum()), "fitted": float(end.sum())},
        "divide": residents.divide_shares(model, end),
        "identification": fitted.identification(),
        "seconds": seconds,
        "memory_gb": runtime.peak_memory_gb(),
    }


def _status(fitted: Fitted[Any], asked: Request) -> int:
    unidentified = asked.config.fit.require_identified and "not_identified" in fitted.inference.status
    return 5 if fitted.outcome.verdict != "converged" or unidentified else 0


if __name__ == "__main__":
    cli(fit)
