"""A fit of a model to what the censuses counted."""

import time
from pathlib import Path
from typing import Any

from flowmodel import runtime
from flowmodel.config import Config
from flowmodel.estimation import calibrate, inference, profile
from flowmodel.estimation.calibrate import Fitted
from flowmodel.gravity.chosen_law import chosen
from flowmodel.models.model import Model
from flowmodel.results import residents as results
from flowmodel.runs import console, provenance, summaries
from flowmodel.runs.folder import RunFolder, run_folder
from flowmodel.runs.maps import Maps
from flowmodel.runs.request import Request
from flowmodel.runs.run import VERDICTS, Run
from flowmodel.runs.start import prepare, with_model
from flowmodel.runs.zones import Zones, obtain


def fit(
    config: Request[Config], *, zones: Zones | None = None, maps: Maps | None = None, out: Path | str | None = None
) -> Run:
    """Fits the model of a configuration to the censuses, and writes a run folder.

    Args:
        config: of `read_config`.
        zones: zones in memory; those of `[zones]` if not given.
        maps: reads the sources of `[zones]`, such as `geo.Maps()`; not needed with `zones` or a ready file.
        out: the run folder; runs/NAME if not given.

    Returns:
        The run; its `status` is 0 where the fit has converged and 5 where it has not, or where
        `[fit] require_identified` asks for parameters that the data do not identify.

    Raises:
        ConfigError: the configuration is wrong, or nothing is free to be fitted.
        DataError: the sources are wrong.
        NumericError: a value is not finite, or people are lost.
        ResourceError: a device or memory is missing.
    """
    started = time.perf_counter()
    with run_folder(config.folder(out)) as folder:
        return _fit(config, folder, zones, maps, started)


def _fit(request: Request[Config], folder: RunFolder, zones: Zones | None, maps: Maps | None, started: float) -> Run:
    folder.log("started", config=request.config.run.name)
    prepare(request.config.runtime)
    chosen(request.config.model.law)  # a wrong law is an error before zones are built
    table = obtain(request, folder, maps, zones)
    built = time.perf_counter()

    def fitted_on(model: Model) -> Fitted[Any]:
        nonlocal built
        goal, built = model.objective(), time.perf_counter()
        return calibrate.calibrate(goal, model.run, request.config.fit, request.config.run.seed, progress)

    with runtime.compile_seconds() as compiling, console.progress() as progress:
        dtype = runtime.kernel_dtype(request.config.runtime)
        model, fitted = with_model(table, request.config, request.base, dtype, fitted_on)
    ended = time.perf_counter()
    seconds = {
        "build": built - started,
        "compile": compiling(),
        "fit": ended - built - compiling(),
        "total": ended - started,
    }
    for name, writer in model.files(fitted.accounts):
        folder.write(name, writer)
    parameters = inference.table(model.registry, fitted.outcome.natural, fitted.inference)
    if request.config.truth:
        parameters["truth"] = [request.config.truth.get(name) for name in parameters["name"]]
    folder.write_csv("parameters.csv", parameters)
    if fitted.profiles:
        folder.write_csv("profiles.csv", profile.table(fitted.profiles))
    report = _metrics(model, fitted, seconds)
    folder.write_json("metrics.json", report)
    inputs = [*table.inputs, *provenance.of_law(request.config.model.law)]
    provenance.write(folder, request.resolved(), request.config.run.seed, inputs, synthetic=table.synthetic)
    folder.log("finished", verdict=report["verdict"], flags=report["flags"], seconds=report["seconds"])
    summaries.fitted(parameters, report, folder.path)
    return Run(folder.path, _status(fitted, request.config))


def _metrics(model: Model, fitted: Fitted[Any], seconds: dict[str, float]) -> dict[str, Any]:
    end = model.end(fitted.accounts)
    return {
        "verdict": fitted.outcome.verdict,
        "flags": fitted.flags(),
        "remaining_step": fitted.outcome.remaining,
        **model.report(fitted.accounts),
        "scored": "in sample",
        "without_growth": results.without_growth(model),
        "targets": fitted.targets(),
        "national": {"observed": float(model.table.population(model.years[1]).sum()), "fitted": float(end.sum())},
        "divide": results.divide_shares(model, end),
        "identification": fitted.identification(),
        "seconds": seconds,
        "memory_gb": runtime.peak_memory_gb(),
    }


def _status(fitted: Fitted[Any], config: Config) -> int:
    unidentified = config.fit.require_identified and "not_identified" in fitted.inference.status
    return VERDICTS["not_identified"] if unidentified else VERDICTS[fitted.outcome.verdict]
