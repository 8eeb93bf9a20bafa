"""An evaluation of a configuration on what its fit has not used: held-out time, space and pairs, and placebos."""

import time
from pathlib import Path

import tomli_w

from flowmodel import runtime
from flowmodel.config import Config, Evaluation
from flowmodel.evaluation import parts as evaluations
from flowmodel.evaluation import report
from flowmodel.evaluation.world import Part, world
from flowmodel.runs import console, provenance
from flowmodel.runs.folder import RunFolder, run_folder
from flowmodel.runs.maps import Maps
from flowmodel.runs.request import Request, read_config
from flowmodel.runs.run import Run
from flowmodel.runs.start import prepare
from flowmodel.runs.zones import obtain


def evaluate(
    config: Request[Evaluation], *, maps: Maps | None = None, out: Path | str | None = None, device: str | None = None
) -> Run:
    """Runs an evaluation and writes its run folder; each part is written when it is finished.

    Args:
        config: of `read_config`; it names the configuration that is evaluated.
        maps: reads the sources of `[zones]`, such as `geo.Maps()`.
        out: the run folder; runs/NAME if not given.
        device: "auto", "cpu", "gpu" or "tpu", instead of that of the configuration that is evaluated.

    Raises:
        ConfigError: a configuration is wrong.
        DataError: the sources are wrong.
        NumericError: a value is not finite.
    """
    asked = config.config.evaluate
    base = read_config(config.base / asked.fit, asked.settings, device=device)
    with run_folder(config.folder(out)) as folder:
        return _evaluate(config, base, folder, maps)


def _evaluate(config: Request[Evaluation], base: Request[Config], folder: RunFolder, maps: Maps | None) -> Run:
    started = time.perf_counter()
    folder.log("started", config=config.config.run.name)
    prepare(base.config.runtime)
    table = obtain(base, folder, maps)
    dtype = runtime.kernel_dtype(base.config.runtime)
    of = world(base.config, base.base, config.config.evaluate, table, dtype, console.timed)
    for line in of.model.announce():
        console.warn(line)
    folder.write_text("evaluated.toml", tomli_w.dumps(base.resolved()))
    found: dict[str, Part] = {}
    for name, part in evaluations.parts(of):
        found[name] = part()
        _write(folder, config.config, found, time.perf_counter() - started)
        folder.log("part", name=name, seconds=time.perf_counter() - started)
    provenance.write(folder, config.resolved(), base.config.run.seed, table.inputs, synthetic=table.synthetic)
    folder.log("finished", seconds=time.perf_counter() - started)
    return Run(folder.path)


def _write(folder: RunFolder, asked: Evaluation, found: dict[str, Part], seconds: float) -> None:
    """Writes the parts that are finished: a run that is stopped keeps them."""
    rows = report.rows(found)
    folder.write_csv("evaluation.csv", rows)
    folder.write_json("evaluation.json", report.notes(asked.evaluate, found) | {"seconds": seconds} | console.memory())
    folder.write_text("evaluation.md", report.markdown(rows, asked.evaluate.level))
