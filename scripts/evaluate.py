"""Evaluates a configuration on what it has not seen: held-out time, space and pairs, placebos; writes a run folder."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from _command import Config, Device, Out, RunFolder, Settings, cli, on_device, prepare, run_folder

if TYPE_CHECKING:
    from _evaluation import Part, World
    from _inputs import Request

    from flowmodel.config import Evaluation


def evaluate(config: Config, set_: Settings = (), out: Out = None, device: Device = None) -> int:
    """Runs the evaluation CONFIG and writes its run folder.

    Args:
        config: the configuration of the evaluation, a TOML file.
        set_: overrides one value of it; may be repeated.
        out: the run folder; runs/NAME if not given.
        device: what computes, whatever the configuration that is evaluated says; one that is not there is an error.
    """
    import _inputs

    from flowmodel import config as configuration

    asked = configuration.parse_evaluation(configuration.overridden(config, set_), str(config))
    settings = on_device(asked.evaluate.settings, device)
    base = _inputs.request(config.resolve().parent / asked.evaluate.fit, settings, out)
    base = dataclasses.replace(base, out=out or base.out.parent / asked.run.name)
    with run_folder(base.out) as folder:
        return _evaluate(asked, base, folder)


def _evaluate(asked: Evaluation, base: Request, folder: RunFolder) -> int:
    import _evaluation
    import _inputs
    import _records
    import _scoresheet
    import tomli_w

    started = time.perf_counter()
    folder.log("started", config=asked.run.name)
    prepare(base.config.runtime)
    table = _inputs.obtain(base, folder)
    of = _evaluation.world(base, asked.evaluate, table)
    of.kind.announce(of.model)
    folder.write_text("config.toml", tomli_w.dumps(asked.model_dump(mode="json", exclude_none=True)))
    folder.write_text("evaluated.toml", tomli_w.dumps(_inputs.resolved(base)))
    parts: dict[str, Part] = {}
    for name, part in _parts(of):
        parts[name] = part()
        # After every part, so that a run that is stopped leaves what it has found.
        _scoresheet.write(folder, asked, parts, time.perf_counter() - started)
        folder.log("part", name=name, seconds=time.perf_counter() - started)
    folder.write_json(
        "provenance.json", _records.provenance(base.out, base.config.run.seed, table.inputs, synthetic=table.synthetic)
    )
    folder.log("finished", seconds=time.perf_counter() - started)
    return 0


def _parts(of: World) -> Iterator[tuple[str, Callable[[], Part]]]:
    """What is asked for, in the order in which it runs; the whole fit is made when something first needs it."""
    from functools import cache, partial

    import _evaluation
    import _evaluation_divide as divide
    import _evaluation_forward as forward
    import _evaluation_placebo as placebos
    import _evaluation_spatial as space

    asked = of.evaluate
    space_of, pairs_of, divide_of = asked.spatial, asked.pairs, asked.divide
    whole = cache(lambda: _evaluation.whole(of, of.goal))
    left_out = cache(lambda: _evaluation.province_folds(of, of.goal, whole()[1]))
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
