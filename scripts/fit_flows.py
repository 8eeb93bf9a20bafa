"""Calibrates a spatial interaction model on an observed origin-destination table, and writes the run folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flowmodel.runs.folder import Config, Device, Out, RunFolder, Settings, cli, on_device, prepare, run_folder

if TYPE_CHECKING:
    import numpy as np

    from flowmodel.interaction.calibrate import Calibrated
    from flowmodel.runs.flows import Asked
    from geo.flows import FlowData

_STATUS = {"converged": 0, "nonfinite": 4, "diverged": 5, "max_steps": 5}


def fit_flows(config: Config, set_: Settings = (), out: Out = None, device: Device = None) -> int:
    """Calibrates CONFIG and writes its run folder.

    Args:
        config: the configuration, a TOML file.
        set_: overrides one value of the configuration; may be repeated.
        out: the run folder; runs/NAME if not given.
        device: what computes, whatever the configuration says; one that is not there is an error.

    Returns:
        The exit status: 0 converged, 4 not finite, 5 out of steps.
    """
    from flowmodel.runs import flows

    started = time.perf_counter()
    asked = flows.request(config, on_device(set_, device), out)
    with run_folder(asked.out) as folder:
        return _fit(asked, folder, started)


def _fit(asked: Asked, folder: RunFolder, started: float) -> int:
    from flowmodel import runtime
    from flowmodel.interaction.calibrate import calibrate
    from flowmodel.results import flow_effects
    from flowmodel.results import flows as flow_results
    from flowmodel.runs import console, flow_files, flows

    folder.log("started", config=asked.config.run.name)
    prepare(asked.config.runtime)
    with console.steps("reading flows"):
        data = flows.read(asked, folder)
    built = time.perf_counter()
    table, specification = flows.table(data, asked.config), flows.specification(data, asked)
    if asked.config.fit.local != "none":
        flow_results.check_local(specification)
    if asked.config.draws is not None:
        flow_results.check_draws(specification, asked.config.draws)
    with runtime.compile_seconds() as compiling, console.steps("calibrating") as say:
        fit = calibrate(
            table,
            specification,
            tolerance=asked.config.fit.tolerance,
            most_steps=asked.config.fit.most_steps,
            report=lambda step, error: say(f"step {step}, margins and moments to {error:.1e}"),
        )
        covariance, replicates = _covariance(fit, asked, say)
    fitted = time.perf_counter()
    seconds = {"read": built - started, "compile": compiling(), "fit": fitted - built - compiling()}
    parameters = flow_results.parameters(fit, covariance)
    folder.write("parameters.csv", lambda path: parameters.to_csv(path, index=False))
    effects = flow_effects.effects(fit)
    if len(effects):
        folder.write("effects.csv", lambda path: effects.to_csv(path, index=False))
    flow_files.write_flows(folder, flow_results.flows(fit, table), "flows.parquet")
    report = replicates | _metrics(asked, data, fit, seconds | {"total": time.perf_counter() - started})
    folder.write_json("metrics.json", report)
    flow_files.write_provenance(asked, folder, flows.files(asked))
    console.calibrated(parameters, report, folder.path)
    _extras(asked, data, fit, folder)
    folder.log("finished", verdict=report["verdict"], flags=report["flags"], seconds=report["seconds"])
    return _STATUS[fit.optimum.verdict]


def _covariance(fit: Calibrated, asked: Asked, say: Callable[[str], None]) -> tuple[np.ndarray, dict[str, int]]:
    """The covariance asked for; of a bootstrap also how many replicates it is made of."""
    import numpy as np

    from flowmodel.interaction import bootstrap

    wanted = asked.config.fit
    if wanted.se != "bootstrap":
        return fit.covariance(wanted.se), {}
    found = bootstrap.estimates(
        fit,
        wanted.bootstrap,
        asked.config.run.seed,
        lambda done, _: say(f"bootstrap, {done} of {wanted.bootstrap}"),
    )
    return bootstrap.covariance(found), {"bootstrap_converged": int(np.all(np.isfinite(found), axis=1).sum())}


def _metrics(asked: Asked, data: FlowData, fit: Calibrated, seconds: dict[str, float]) -> dict[str, Any]:
    from flowmodel import runtime
    from flowmodel.results import flows as flow_results

    scores = flow_results.metrics(fit, asked.config.fit.distance_bin_km)
    return {
        "verdict": fit.optimum.verdict,
        "flags": flow_results.flags(fit, asked.config.fit.se),
        "constraint": asked.config.model.constraint,
        "law": fit.specification.law.name,
        "family": asked.config.model.family,
        "se": asked.config.fit.se,
        **scores,
        "left_out": {issue.code: issue.people for issue in data.issues if issue.people},
        "margin_error": fit.optimum.margin_error,
        "moment_error": fit.optimum.moment_error,
        "steps": fit.optimum.steps,
        "scored": "in sample",
        "seconds": seconds,
        "memory_gb": runtime.peak_memory_gb(),
    }


def _extras(asked: Asked, data: FlowData, fit: Calibrated, folder: RunFolder) -> None:
    """What the configuration asks for besides the fit."""
    from flowmodel.results import flows as flow_results
    from flowmodel.runs import console, flow_files, flows

    config = asked.config
    if config.fit.local != "none":
        local = flow_results.local(fit, config.fit.local)
        folder.write("local.csv", lambda path: local.to_csv(path, index=False))
    if config.compare is not None:
        laws = flows.compared(data, fit.table, asked)
        folder.write("laws.csv", lambda path: laws.to_csv(path, index=False))
        console.laws(laws)
    if config.draws is not None and fit.optimum.converged:
        flow_files.write_flows(folder, flow_results.draws(fit, config.draws, config.run.seed), "draws.parquet")


if __name__ == "__main__":
    cli(fit_flows)
