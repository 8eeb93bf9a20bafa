"""A calibration of a spatial interaction model on an observed flow table."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from flowmodel import runtime
from flowmodel.config import FlowsRun
from flowmodel.interaction import bootstrap
from flowmodel.interaction.calibrate import Calibrated, calibrate
from flowmodel.interaction.compare import compare
from flowmodel.interaction.model.table import Specification
from flowmodel.results import flow_effects
from flowmodel.results import flows as results
from flowmodel.runs import console, flows, provenance, summaries
from flowmodel.runs.folder import RunFolder, run_folder
from flowmodel.runs.maps import FlowData, Maps
from flowmodel.runs.reading import read
from flowmodel.runs.request import Request
from flowmodel.runs.run import VERDICTS, Run
from flowmodel.runs.start import prepare


def fit_flows(config: Request[FlowsRun], *, maps: Maps, out: Path | str | None = None) -> Run:
    """Calibrates a spatial interaction model on a flow table, and writes a run folder.

    Args:
        config: of `read_config`.
        maps: reads the table, such as `geo.Maps()`.
        out: the run folder; runs/NAME if not given.

    Returns:
        The run; its `status` is 0 where the fit has converged, 4 where it is not finite, 5 where it has not converged.

    Raises:
        ConfigError: the configuration is wrong.
        DataError: the files are wrong.
        FlowsError: the model cannot be fitted to the table.
    """
    started = time.perf_counter()
    with run_folder(config.folder(out)) as folder:
        return _fit(config, folder, maps, started)


def _fit(request: Request[FlowsRun], folder: RunFolder, maps: Maps, started: float) -> Run:
    config = request.config
    folder.log("started", config=config.run.name)
    prepare(config.runtime)
    flows.laws(config)  # a wrong law is an error before the table is read
    with console.steps("reading flows"):
        data, files = read_flows(request, folder, maps)
    built = time.perf_counter()
    table, specification = flows.table(data, config), flows.specification(data, request)
    _check(specification, config)
    with runtime.compile_seconds() as compiling, console.steps("calibrating") as step:
        fit = calibrate(
            table,
            specification,
            tolerance=config.fit.tolerance,
            most_steps=config.fit.most_steps,
            report=lambda number, error: step(f"step {number}, margins and moments to {error:.1e}"),
        )
        covariance, replicates = _covariance(fit, config, step)
    fitted = time.perf_counter()
    parameters, effects = results.parameters(fit, covariance), flow_effects.effects(fit)
    folder.write_csv("parameters.csv", parameters)
    if len(effects):
        folder.write_csv("effects.csv", effects)
    write_flows(folder, results.flows(fit, table), "flows.parquet")
    seconds = {"read": built - started, "compile": compiling(), "fit": fitted - built - compiling()}
    report = replicates | _metrics(config, data, fit, seconds | {"total": time.perf_counter() - started})
    folder.write_json("metrics.json", report)
    provenance.write(folder, request.resolved(), config.run.seed, provenance.hashed(files))
    summaries.calibrated(parameters, report, folder.path)
    _extras(request, data, fit, folder)
    folder.log("finished", verdict=report["verdict"], flags=report["flags"], seconds=report["seconds"])
    return Run(folder.path, VERDICTS[fit.optimum.verdict])


def read_flows(request: Request[FlowsRun], folder: RunFolder, maps: Maps) -> tuple[FlowData, list[Path]]:
    """The flow table, and the files that it and the law were read from."""
    config, base = request.config, request.base
    tables = {"flows": config.flows} | ({} if config.zones is None else {"zones": config.zones})
    files = request.inputs(maps, "flows", tables)
    data = read(folder, maps, lambda: maps.flows(tables, base, *flows.columns(config.model)))
    return data, [*files, *provenance.law_files(config.model.law)]


def _check(specification: Specification, config: FlowsRun) -> None:
    """Refuses what cannot be made of the model before it is fitted."""
    if config.fit.local != "none":
        results.check_local(specification)
    if config.draws is not None:
        results.check_draws(specification, config.draws)


def _covariance(fit: Calibrated, config: FlowsRun, step: Callable[[str], None]) -> tuple[np.ndarray, dict[str, int]]:
    """The covariance that the configuration names, and of a bootstrap the number of replicates that converged."""
    wanted = config.fit
    if wanted.se != "bootstrap":
        return fit.covariance(wanted.se), {}
    found = bootstrap.estimates(
        fit, wanted.bootstrap, config.run.seed, lambda done, _: step(f"bootstrap, {done} of {wanted.bootstrap}")
    )
    return bootstrap.covariance(found), {"bootstrap_converged": int(np.all(np.isfinite(found), axis=1).sum())}


def _metrics(config: FlowsRun, data: FlowData, fit: Calibrated, seconds: dict[str, float]) -> dict[str, Any]:
    return {
        "verdict": fit.optimum.verdict,
        "flags": results.flags(fit, config.fit.se),
        "constraint": config.model.constraint,
        "law": fit.specification.law.name,
        "family": config.model.family,
        "se": config.fit.se,
        **results.metrics(fit, config.fit.distance_bin_km),
        "left_out": {issue.code: issue.people for issue in data.issues if issue.people},
        "margin_error": fit.optimum.margin_error,
        "moment_error": fit.optimum.moment_error,
        "steps": fit.optimum.steps,
        "scored": "in sample",
        "seconds": seconds,
        "memory_gb": runtime.peak_memory_gb(),
    }


def _extras(request: Request[FlowsRun], data: FlowData, fit: Calibrated, folder: RunFolder) -> None:
    """Local models, other laws and draws, as far as the configuration names them."""
    config = request.config
    if config.fit.local != "none":
        folder.write_csv("local.csv", results.local(fit, config.fit.local))
    if config.compare is not None:
        models: dict[str, Specification] = {law: flows.specification(data, request, law) for law in config.compare.laws}
        with console.steps("comparing laws") as step:
            laws = compare(
                fit.table,
                models,
                share=config.compare.held_out,
                seed=config.run.seed,
                report=step,
                tolerance=config.fit.tolerance,
                most_steps=config.fit.most_steps,
            )
        folder.write_csv("laws.csv", laws)
        summaries.laws(laws)
    if config.draws is not None and fit.optimum.converged:
        write_flows(folder, results.draws(fit, config.draws, config.run.seed), "draws.parquet")


def write_flows(folder: RunFolder, table: pa.Table, name: str) -> None:
    """Writes a table of pairs as Parquet."""
    folder.write(name, lambda path: parquet.write_table(table, path, compression="zstd"))
