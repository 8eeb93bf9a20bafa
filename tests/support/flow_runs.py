"""A configuration of a flow table, calibrated in this process: as the command does it, or only to the fit."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import tomli_w

import geo
from flowmodel.config import FlowsRun
from flowmodel.interaction.calibrate import Calibrated, calibrate
from flowmodel.runs import fit_flows, flows
from flowmodel.runs.folder import run_folder
from flowmodel.runs.request import Request, read_config
from geo.flows import FlowData


class Run(NamedTuple):
    """What the command left behind."""

    status: int
    folder: Path

    def table(self, name: str, **keys: Any) -> pd.DataFrame:
        """One table; labels of zones stay text."""
        if name.endswith(".parquet"):
            return pd.read_parquet(self.folder / name)
        return pd.read_csv(self.folder / name, dtype={"zone": str}, **keys)

    @property
    def parameters(self) -> pd.DataFrame:
        """Parameters by name."""
        return self.table("parameters.csv").set_index("name")

    @property
    def metrics(self) -> dict[str, Any]:
        """The scores."""
        return dict(json.loads((self.folder / "metrics.json").read_text()))


def asked(tables: dict[str, Any], folder: Path) -> Request[FlowsRun]:
    """A configuration whose paths begin at `folder`."""
    return Request(FlowsRun.model_validate(tables, context={"base": folder}), tables, folder, "test.toml")


def read(tables: dict[str, Any], folder: Path) -> FlowData:
    """The table that a configuration names."""
    request = asked(tables, folder)
    with run_folder(request.folder(folder / "runs" / request.config.run.name)) as out:
        return fit_flows.read_flows(request, out, geo.Maps())[0]


def calibrated(tables: dict[str, Any], folder: Path) -> Calibrated:
    """The fit of a configuration, with no file written."""
    request, data = asked(tables, folder), read(tables, folder)
    return calibrate(flows.table(data, request.config), flows.specification(data, request))


def run(tables: dict[str, Any], folder: Path, *settings: str) -> Run:
    """The run of a configuration that is written to `folder`."""
    name = tables["run"]["name"]
    file = folder / f"{name}.toml"
    file.write_text(tomli_w.dumps(tables))
    out = folder / "runs" / name
    done = fit_flows.fit_flows(read_config(file, settings, form=FlowsRun), maps=geo.Maps(), out=out)
    return Run(done.status, out)
