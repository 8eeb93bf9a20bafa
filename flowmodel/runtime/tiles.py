"""The size of tiles of pairs: the largest that is predicted to fit in memory, or a smaller one if memory runs out."""

import gc
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from jax.stages import Compiled

from flowmodel.errors import ResourceError

from .memory import available_bytes, exhausted, gigabytes

SHARE = 0.8
"""Share of free memory that a program may need as predicted; the rest is for memory that the prediction omits."""
HALVINGS = 5
_UNITS = {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_FIX = "a smaller tile, float32 pairs, fewer zones, or a device with more memory"

Result = TypeVar("Result")


def predicted(compiled: Compiled) -> int:
    """Memory that XLA plans for one call of a program on its device, with arguments and outputs, bytes.

    Raises:
        ResourceError: E-MEMORY, the backend does not report it.
    """
    plan: Any = compiled.memory_analysis()
    if plan is None:
        raise ResourceError("E-MEMORY", "the compiler does not report the memory of a program", "compute on the CPU")
    used = plan.argument_size_in_bytes + plan.output_size_in_bytes + plan.temp_size_in_bytes
    return int(used - plan.alias_size_in_bytes)  # without memory that is both argument and output


def sentence(need: int | None, free: int | None) -> str:
    """Needed and free bytes as text, such as "needs 0.31 GB, 20.1 GB free"; None means unknown."""
    return f"needs {gigabytes(need)}, {gigabytes(free)} free"


def fitting(compile_for: Callable[[int], Compiled], tiles: Sequence[int], available: int | None) -> tuple[int, int]:
    """The largest tile whose program is predicted to fit in `SHARE` of free memory, and that memory, bytes.

    Args:
        compile_for: compiles the program for a tile; called from the largest tile down until one fits.
        tiles: sizes to choose from, rows.
        available: free bytes of the device; if unknown (None) the largest tile is chosen.

    Raises:
        ResourceError: E-MEMORY, the smallest tile does not fit.
    """
    for tile in sorted(tiles, reverse=True):
        need = predicted(compile_for(tile))
        if available is None or need <= SHARE * available:
            return tile, need
    what = f"the smallest tile, {min(tiles)} rows, {sentence(need, available)}, of which {SHARE:.0%} may be used"
    raise ResourceError("E-MEMORY", what, _FIX)


def retrying(run: Callable[[int], Result], tile: int, smallest: int, say: Callable[[str], None]) -> Result:
    """Calls `run` with the rows of a tile and, if memory runs out, with half as many, at most `HALVINGS` times.

    An operating system that overcommits memory may end the process instead; only `fitting` prevents that. `run` must
    free its memory if it fails; `say` is called with a line for every smaller tile.

    Raises:
        ResourceError: E-MEMORY, memory also runs out with the last tile.
    """
    for halving in range(HALVINGS + 1):
        try:
            return run(tile)
        except Exception as error:
            if not exhausted(error):
                raise
            failed = str(error)
        # The error refers to frames that hold arrays; it is released only after the except block.
        gc.collect()
        short = f"a tile of {tile} rows {sentence(asked_bytes(failed), available_bytes())}"
        if tile <= smallest or halving == HALVINGS:
            break
        tile = max(smallest, tile // 2)
        say(f"W-MEMORY {short}: trying {tile} rows")
    raise ResourceError("E-MEMORY", short, _FIX)


def asked_bytes(message: str) -> int | None:
    """The largest number of bytes in an out-of-memory message of XLA; None if there is none."""
    sizes = re.findall(r"allocat\w+ (\d+(?:\.\d+)?) ?([KMGT]i)?(?:B\b|bytes)", message)
    return max((int(float(number) * _UNITS[unit]) for number, unit in sizes), default=None)
