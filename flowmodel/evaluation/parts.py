"""The parts of an evaluation, in the order in which they run."""

from collections.abc import Callable, Iterator
from functools import cache, partial

from flowmodel.evaluation import divide, placebo, space, time_and_pairs
from flowmodel.evaluation.world import Part, World, province_folds, whole


def parts(of: World) -> Iterator[tuple[str, Callable[[], Part]]]:
    """The parts that `[evaluate]` asks for, each with its name; the fit to everything is made when one needs it."""
    asked = of.evaluate
    space_of, pairs_of, divide_of = asked.spatial, asked.pairs, asked.divide
    fitted = cache(lambda: whole(of, of.goal))
    left_out = cache(lambda: province_folds(of, of.goal, fitted()[1]))
    if asked.temporal is not None:
        yield "temporal", partial(time_and_pairs.temporal_part, of)
    if space_of is not None:
        yield "spatial", lambda: space.spatial(of, space_of, fitted(), left_out)
    if pairs_of is not None:
        yield "pairs", lambda: time_and_pairs.pairs(of, pairs_of, fitted)
    if divide_of is not None:
        level = divide_of.level
        yield "divide", lambda: divide.barriers(of, fitted()[0], left_out(), "divide where it is", level)
        if divide_of.targets:
            yield "divide, fewer targets", lambda: divide.contrast(of, divide_of, fitted()[0], left_out())
        for degrees in divide_of.rotations:
            yield f"rotated {degrees:g}", partial(divide.rotated, of, degrees, level)
    for seed in asked.shuffles:
        yield f"shuffled {seed}", partial(lambda seed: placebo.shuffled_growth(of, fitted()[0], seed), seed)
