"""Flows nearest to a prior table that have target totals."""

import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from flowmodel import runtime
from flowmodel.config import BalanceRun
from flowmodel.errors import NotConvergedError, NumericError
from flowmodel.interaction.totals import Adjusted, Names, Totals, nearest_table
from flowmodel.results import totals as results
from flowmodel.runs import console, provenance, summaries
from flowmodel.runs.fit_flows import write_flows
from flowmodel.runs.folder import RunFolder, run_folder
from flowmodel.runs.maps import Maps, Prior
from flowmodel.runs.reading import read
from flowmodel.runs.request import Request
from flowmodel.runs.run import Run
from flowmodel.runs.start import prepare


def balance_flows(config: Request[BalanceRun], *, maps: Maps, out: Path | str | None = None) -> Run:
    """Finds the flows nearest to a prior that have target totals, and writes a run folder.

    Args:
        config: of `read_config`.
        maps: reads the prior and the totals, such as `geo.Maps()`.
        out: the run folder; runs/NAME if not given.

    Raises:
        ConfigError: the configuration is wrong.
        DataError: the files are wrong.
        FlowsError: no flows can have these totals.
        NotConvergedError: none were found.
        NumericError: people are lost.
    """
    started = time.perf_counter()
    with run_folder(config.folder(out)) as folder:
        return _balance(config, folder, maps, started)


def _balance(request: Request[BalanceRun], folder: RunFolder, maps: Maps, started: float) -> Run:
    config = request.config
    folder.log("started", config=config.run.name)
    prepare(config.runtime)
    sections = {"flows": config.flows, "totals": config.totals}
    tables = {name: part for name, part in sections.items() if part}
    with console.steps("reading flows and totals"):
        files = request.inputs(maps, "balance", tables)
        prior = read(folder, maps, lambda: maps.prior(tables, request.base))
    provenance.write(folder, request.resolved(), config.run.seed, provenance.hashed(files))
    totals, begun = _totals(prior), time.perf_counter()
    with runtime.compile_seconds() as compiling, console.steps("balancing"):
        found = _solved(request, folder, prior.flow, totals)
    solved = time.perf_counter() - begun
    report = _write(prior, totals, found, folder)
    report["seconds"] = {
        "read": begun - started,
        "compile": compiling(),
        "solve": solved - compiling(),
        "total": time.perf_counter() - started,
    }
    report |= console.memory()
    folder.write_json("metrics.json", report)
    folder.log("finished", verdict=report["verdict"], flags=report["flags"], seconds=report["seconds"])
    summaries.balanced(report, folder.path)
    return Run(folder.path)


def _totals(prior: Prior) -> Totals:
    """The target totals, with the labels by which messages name them."""
    names, blocks = Names(prior.zones, prior.zones), prior.blocks
    if blocks is None:
        return Totals(**prior.totals, names=names)
    names = dataclasses.replace(names, origin_group=blocks.groups, destination_group=blocks.groups)
    return Totals(
        **prior.totals,
        block=blocks.flow,
        origin_group=blocks.group,
        destination_group=blocks.group,
        names=names,
    )


def _solved(request: Request[BalanceRun], folder: RunFolder, prior: np.ndarray, totals: Totals) -> Adjusted:
    """The flows; if they are not found, metrics.json records it and no flows are written.

    Raises:
        FlowsError: no flows can have these totals.
        NotConvergedError: none were found.
    """
    solve = request.config.solve
    try:
        return nearest_table(prior, totals, tolerance=solve.tolerance, most_steps=solve.most_steps)
    except NotConvergedError:
        folder.write_json("metrics.json", {"verdict": "max_steps"})
        raise


def _write(prior: Prior, totals: Totals, found: Adjusted, folder: RunFolder) -> dict[str, Any]:
    """Writes the tables, and gives their summary."""
    table = results.flows(prior.zones, prior.flow, found.flow)
    given = results.totals(_nobody_lost(table, prior.zones, found.flow), totals, found)
    write_flows(folder, table, "flows.parquet")
    folder.write_csv("totals.csv", given)
    if len(found.vanishing):
        folder.write_csv("vanishing.csv", results.vanishing(prior.zones, prior.flow, found))
    return {"zones": len(prior.zones), **results.metrics(table, given, found)}


def _nobody_lost(table: pa.Table, zones: tuple[str, ...], flow: np.ndarray) -> np.ndarray:
    """The flows of the rows that are written, which are all flows.

    Raises:
        NumericError: E-BALANCE-LOST, people move between zones of which no row is written.
    """
    written = results.spread(table, zones)
    if not np.array_equal(written, flow):
        lost = float(flow.sum() - written.sum())
        raise NumericError("E-BALANCE-LOST", f"the rows lack {lost:+,.6g} of the flows", "report this as a fault")
    return written
