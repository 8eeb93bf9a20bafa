"""Finds the flows nearest to a prior table that have given totals, and writes the run folder."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from flowmodel.runs.folder import Config, Device, Out, RunFolder, Settings, cli, on_device, prepare, run_folder

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from flowmodel.interaction.totals import Adjusted, Totals
    from flowmodel.runs.totals import Asked
    from geo.flows import Prior


def balance_flows(config: Config, set_: Settings = (), out: Out = None, device: Device = None) -> None:
    """Balances the flows of CONFIG and writes its run folder.

    Args:
        config: the configuration, a TOML file.
        set_: overrides one value of the configuration; may be repeated.
        out: the run folder; runs/NAME if not given.
        device: what computes, whatever the configuration says; one that is not there is an error.
    """
    from flowmodel.runs import totals as _balance

    started = time.perf_counter()
    asked = _balance.request(config, on_device(set_, device), out)
    with run_folder(asked.out) as folder:
        _balanced(asked, folder, started)


def _balanced(asked: Asked, folder: RunFolder, started: float) -> None:
    from flowmodel import runtime
    from flowmodel.runs import console, flow_files
    from flowmodel.runs import totals as _balance

    folder.log("started", config=asked.config.run.name)
    prepare(asked.config.runtime)
    with console.steps("reading flows and totals"):
        prior = _balance.read(asked, folder)
    flow_files.write_provenance(asked, folder, asked.files)
    totals, begun = _balance.totals(prior), time.perf_counter()
    with runtime.compile_seconds() as compiling, console.steps("balancing"):
        found = _solved(asked, folder, prior.flow, totals)
    solved = time.perf_counter() - begun
    report = _write(prior, totals, found, folder)
    report["seconds"] = {
        "read": begun - started,
        "compile": compiling(),
        "solve": solved - compiling(),
        "total": time.perf_counter() - started,
    }
    report["memory_gb"] = runtime.peak_memory_gb()
    folder.write_json("metrics.json", report)
    folder.log("finished", verdict=report["verdict"], flags=report["flags"], seconds=report["seconds"])
    console.balanced(report, folder.path)


def _solved(asked: Asked, folder: RunFolder, prior: np.ndarray, totals: Totals) -> Adjusted:
    """The flows; if they are not found, the run says so and has none.

    Raises:
        FlowsError: no flows can have these totals.
        NotConvergedError: none were found.
    """
    from flowmodel.errors import NotConvergedError
    from flowmodel.interaction.totals import consistent

    solve = asked.config.solve
    try:
        return consistent(prior, totals, tolerance=solve.tolerance, most_steps=solve.most_steps)
    except NotConvergedError:
        folder.write_json("metrics.json", {"verdict": "max_steps"})
        raise


def _write(prior: Prior, totals: Totals, found: Adjusted, folder: RunFolder) -> dict[str, Any]:
    """Writes the tables, and gives what is to be said of them."""
    from flowmodel.results import totals as balance_results
    from flowmodel.runs import flow_files

    table = balance_results.flows(prior.zones, prior.flow, found.flow)
    given = balance_results.totals(_nobody_lost(table, prior.zones, found.flow), totals, found)
    flow_files.write_flows(folder, table, "flows.parquet")
    folder.write("totals.csv", lambda path: given.to_csv(path, index=False))
    if len(found.vanishing):
        pairs = balance_results.vanishing(prior.zones, prior.flow, found)
        folder.write("vanishing.csv", lambda path: pairs.to_csv(path, index=False))
    return {"zones": len(prior.zones), **balance_results.metrics(table, given, found)}


def _nobody_lost(table: pa.Table, zones: tuple[str, ...], flow: np.ndarray) -> np.ndarray:
    """The flows of the rows that are written, which are all flows.

    Raises:
        NumericError: somebody moves between zones of which no row is written.
    """
    import numpy as np

    from flowmodel.errors import NumericError
    from flowmodel.results import totals as balance_results

    written = balance_results.spread(table, zones)
    if not np.array_equal(written, flow):
        lost = float(flow.sum() - written.sum())
        raise NumericError("E-BALANCE-LOST", f"the rows lack {lost:+,.6g} of the flows", "report this as a fault")
    return written


if __name__ == "__main__":
    cli(balance_flows)
