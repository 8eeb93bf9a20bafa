"""How large a tile may be: what the compiler predicts against what is free, and smaller ones where that was wrong."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from jax.stages import Compiled

from flowmodel.errors import ResourceError

from .memory import available_bytes, exhausted, gigabytes

SHARE = 0.8
"""Of the free memory that a prediction may take: the rest is for what the compiler does not see, such as copies."""
HALVINGS = 5
_UNITS = {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_FIX = "a smaller tile, float32 pairs, fewer zones, or a device with more memory"

Result = TypeVar("Result")


class Need(NamedTuple):
    """What one call of a compiled program takes on its device, bytes; what is updated in place is counted once."""

    arguments: int
    outputs: int
    temporaries: int
    in_place: int = 0

    @property
    def total(self) -> int:
        """All of it, whether or not the arguments are there already."""
        return self.arguments + self.outputs + self.temporaries - self.in_place


class Chosen(NamedTuple):
    """A tile, its compiled program, and what that takes."""

    tile: int
    program: Compiled
    need: Need


def predicted(compiled: Compiled) -> Need:
    """What XLA has planned for a program.

    Raises:
        ResourceError: E-MEMORY, the backend does not tell.
    """
    plan: Any = compiled.memory_analysis()
    if plan is None:
        raise ResourceError("E-MEMORY", "the compiler does not say what a program takes", "compute on the CPU")
    return Need(
        int(plan.argument_size_in_bytes),
        int(plan.output_size_in_bytes),
        int(plan.temp_size_in_bytes),
        int(plan.alias_size_in_bytes),
    )


def sentence(need: int | None, free: int | None) -> str:
    """Such as "needs 0.31 GB, 20.1 GB free"; None is unknown."""
    return f"needs {gigabytes(need)}, {gigabytes(free)} free"


def fitting(compile_for: Callable[[int], Compiled], tiles: Sequence[int], available: int | None) -> Chosen:
    """The largest tile whose program is predicted to fit in `SHARE` of what is free; nothing runs.

    Args:
        compile_for: the program for a tile. It is called from the largest tile down, until one fits.
        tiles: sizes to choose from, rows.
        available: free bytes of the device; where it does not tell (None) the largest tile is taken.

    Raises:
        ResourceError: E-MEMORY, not even the smallest fits.
    """
    for tile in sorted(tiles, reverse=True):
        program = compile_for(tile)
        need = predicted(program)
        if available is None or need.total <= SHARE * available:
            return Chosen(tile, program, need)
    what = f"the smallest tile, {min(tiles)} rows, {sentence(need.total, available)}, of which {SHARE:.0%} may be used"
    raise ResourceError("E-MEMORY", what, _FIX)


def retrying(run: Callable[[int], Result], tile: int, smallest: int, say: Callable[[str], None]) -> Result:
    """What `run` gives for a tile; where memory runs out, for half of it, at most `HALVINGS` times.

    A host that promises more memory than it has may end the process instead: only `fitting` prevents that.

    Args:
        run: computes with tiles of so many rows, and leaves nothing behind where it fails.
        tile: rows of the first attempt.
        smallest: rows below which a tile never goes.
        say: is told of every smaller tile.

    Raises:
        ResourceError: E-MEMORY, the smallest tile or the last halving ran out too.
    """
    for halving in range(HALVINGS + 1):
        try:
            return run(tile)
        except Exception as error:
            if not exhausted(error):
                raise
            failed = str(error)
        # Only here is the error gone, and with it the frames that held arrays.
        gc.collect()
        short = f"a tile of {tile} rows {sentence(asked_bytes(failed), available_bytes())}"
        if tile <= smallest or halving == HALVINGS:
            break
        tile = max(smallest, tile // 2)
        say(f"W-MEMORY {short}: going on with {tile}")
    raise ResourceError("E-MEMORY", short, _FIX)


def asked_bytes(message: str) -> int | None:
    """The bytes that an out-of-memory message of XLA names, the largest if several; None if it names none."""
    sizes = re.findall(r"allocat\w+ (\d+(?:\.\d+)?) ?([KMGT]i)?(?:B\b|bytes)", message)
    return max((int(float(number) * _UNITS[unit]) for number, unit in sizes), default=None)
