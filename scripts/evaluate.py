"""Evaluates a configuration on what it has not seen: held-out time, space and pairs, placebos; writes a run folder."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from flowmodel.runs.folder import Config, Device, Out, RunFolder, Settings, cli, on_device, prepare, run_folder

if TYPE_CHECKING:
    from flowmodel.config import Evaluation
    from flowmodel.evaluation.world import Part, World
    from flowmodel.runs.request import Request


def evaluate(config: Config, set_: Settings = (), out: Out = None, device: Device = None) -> int:
    """Runs the evaluation CONFIG and writes its run folder.

    Args:
        config: the configuration of the evaluation, a TOML file.
        set_: overrides one value of it; may be repeated.
        out: the run folder; runs/NAME if not given.
        device: what computes, whatever the configuration that is evaluated says; one that is not there is an error.
    """
    from flowmodel import config as configuration
    from flowmodel.runs import request

    asked = configuration.parse_evaluation(configuration.overridden(config, set_), str(config))
    settings = on_device(asked.evaluate.settings, device)
    base = request.request(config.resolve().parent / asked.evaluate.fit, settings, out)
    base = dataclasses.replace(base, out=out or base.out.parent / asked.run.name)
    with run_folder(base.out) as folder:
        return _evaluate(asked, base, folder)


def _evaluate(asked: Evaluation, base: Request, folder: RunFolder) -> int:
    import tomli_w

    from flowmodel.evaluation import report, world
    from flowmodel.runs import provenance, request

    started = time.perf_counter()
    folder.log("started", config=asked.run.name)
    prepare(base.config.runtime)
    table = request.obtain(base, folder)
    of = world.world(base, asked.evaluate, table)
    of.kind.announce(of.model)
    folder.write_text("config.toml", tomli_w.dumps(asked.model_dump(mode="json", exclude_none=True)))
    folder.write_text("evaluated.toml", tomli_w.dumps(request.resolved(base)))
    parts: dict[str, Part] = {}
    for name, part in _parts(of):
        parts[name] = part()
        # After every part, so that a run that is stopped leaves what it has found.
        report.write(folder, asked, parts, time.perf_counter() - started)
        folder.log("part", name=name, seconds=time.perf_counter() - started)
    folder.write_json(
        "provenance.json",
        provenance.provenance(base.out, base.config.run.seed, table.inputs, synthetic=table.synthetic),
    )
    folder.log("finished", seconds=time.perf_counter() - started)
    return 0


def _parts(of: World) -> Iterator[tuple[str, Callable[[], Part]]]:
    """What is asked for, in the order in which it runs; the whole fit is made when something first needs it."""
    from functools import cache, partial

    from flowmodel.evaluation import divide, space, world
    from flowmodel.evaluation import shuffled as placebos
    from flowmodel.evaluation import time_and_pairs as forward

    asked = of.evaluate
    space_of, pairs_of, divide_of = asked.spatial, asked.pairs, asked.divide
    whole = cache(lambda: world.whole(of, of.goal))
    left_out = cache(lambda: world.province_folds(of, of.goal, whole()[1]))
    if asked.temporal is not None:
        yield "temporal", partial(forward.temporal_part, of)
    if space_of is not None:
        yield "spatial", lambda: space.spatial(of, space_of, whole(), left_out)
    if pairs_of is not None:
        yield "pairs", lambda: forward.pairs(of, pairs_of, whole)
    if divide_of is not None:
        level = divide_of.level
        yield "divide", lambda: divide.barriers(of, whole()[0], left_out(), "divide where it is", level)
        if divide_of.targets:
            yield "divide, fewer targets", lambda: divide.contrast(of, divide_of, whole()[0], left_out())
        for degrees in divide_of.rotations:
            yield f"rotated {degrees:g}", partial(divide.rotated, of, degrees, level)
    for seed in asked.shuffles:
        yield f"shuffled {seed}", partial(lambda seed: placebos.shuffled(of, whole()[0], seed), seed)


if __name__ == "__main__":
    cli(evaluate)
