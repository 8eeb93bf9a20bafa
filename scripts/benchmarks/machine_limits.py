"""The fastest that this machine can compute and copy: no step over N^2 pairs can be faster.

Three operations are measured: exp(-b log x), as for one pair, in float32 on data that stays in cache; copying of arrays
far larger than the caches; a product of float32 matrices. XLA does each and, on a processor, NumPy on all threads. The
faster of the two counts, so that the limit is the machine's and not a library's.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.timing import Rounds, Side, alternate, timed

POWER = np.float32(-0.65)
PIECE = 2**15  # floats: 128 kB, in the second-level cache of a core
ACCELERATOR_PIECE = 2**22  # 16 MB, in a device's last cache
PAIRS, COPY_BYTES, PRODUCT_SIDE = 2**27, 2**28, 2048
ACCELERATOR_TIMES = 32  # how much more work an accelerator gets, so that a call takes longer than its launch


class MachineLimits(NamedTuple):
    """The faster of two libraries for each operation, and which it was.

    Attributes:
        exp_log: pairs a second.
        exp_log_by: "XLA" or "NumPy", as for the others.
        copy_gb_s: 10^9 bytes a second, those read and those written.
        copy_by: see above.
        product_gflop_s: 10^9 multiplications and additions a second.
        product_by: see above.
    """

    exp_log: float
    exp_log_by: str
    copy_gb_s: float
    copy_by: str
    product_gflop_s: float
    product_by: str


def measure(*, quick: bool = False) -> MachineLimits:
    """Measures all three, each in about a second; `quick` does a small part of the work, for a test."""
    times = 1 if on_processor() else ACCELERATOR_TIMES
    pairs, copied, side = (
        (PAIRS // 64, COPY_BYTES // 64, PRODUCT_SIDE // 8) if quick else (PAIRS * times, COPY_BYTES, PRODUCT_SIDE)
    )
    rounds = Rounds(1, 1, 0) if quick else Rounds(3, 2, 1)
    if times > 1 and not quick:
        copied, side = 8 * copied, 4 * side
    exp_log, exp_log_by = _fastest(exp_log_sides(pairs), rounds)
    copy, copy_by = _fastest(_copy_sides(copied), rounds)
    product, product_by = _fastest(_product_sides(side), rounds)
    work = pairs / exp_log, 2 * copied / copy / 1e9, 2 * side**3 / product / 1e9
    return MachineLimits(work[0], exp_log_by, work[1], copy_by, work[2], product_by)


def on_processor() -> bool:
    """Whether JAX computes on the processor."""
    import jax

    return str(jax.devices()[0].platform) == "cpu"


def exp_log_sides(pairs: int) -> dict[str, Side]:
    """Sides, by library, that do one exponential and one logarithm for each of (at least) so many pairs."""
    import jax
    import jax.numpy as jnp

    threads = _threads() if on_processor() else 1
    piece = PIECE if on_processor() else ACCELERATOR_PIECE
    repeats = -(-pairs // (piece * threads))

    @jax.jit
    def xla(x: jax.Array) -> jax.Array:
        return jnp.asarray(jax.lax.fori_loop(0, repeats, lambda _, y: jnp.exp(POWER * jnp.log(y)), x))

    def numpy(x: np.ndarray) -> None:
        y = np.empty_like(x)
        for _ in range(repeats):
            np.log(x, out=y)
            np.multiply(y, POWER, out=y)
            np.exp(y, out=y)

    # A loop of XLA's stays on one thread where its arrays are small: each thread runs one.
    pieces = [np.linspace(0.01, 4, piece, dtype=np.float32)] * threads
    arrays = [jnp.asarray(x) for x in pieces]
    sides = {"XLA": timed(_together(lambda x: xla(x).block_until_ready(), arrays))}
    return sides | ({"NumPy": timed(_together(numpy, pieces))} if on_processor() else {})


def _copy_sides(size: int) -> dict[str, Side]:
    """Sides that copy `size` bytes."""
    import jax
    import jax.numpy as jnp

    source = np.ones(size // 4, np.float32)
    if on_processor():
        # In place; XLA's copy would also measure the allocation of a new array.
        target = np.zeros_like(source)
        parts = list(zip(np.array_split(source, _threads()), np.array_split(target, _threads()), strict=True))
        return {"NumPy": timed(_together(lambda part: np.copyto(part[1], part[0]), parts))}
    negative, array = jax.jit(jnp.negative), jnp.asarray(source)
    return {"XLA": timed(lambda: negative(array).block_until_ready())}


def _product_sides(side: int) -> dict[str, Side]:
    """Sides that multiply two square matrices in full float32, also on a device that defaults to less precision."""
    import jax
    import jax.numpy as jnp

    one = np.full((side, side), 0.5, np.float32)
    product, array = jax.jit(partial(jnp.matmul, precision="highest")), jnp.asarray(one)
    sides = {"XLA": timed(lambda: product(array, array).block_until_ready())}
    out = np.empty_like(one)
    return sides | ({"NumPy": timed(lambda: np.matmul(one, one, out=out))} if on_processor() else {})


def _fastest(sides: dict[str, Side], rounds: Rounds) -> tuple[float, str]:
    """Seconds of the faster side, and its name."""
    seconds = alternate(sides, rounds)
    by = min(seconds, key=seconds.__getitem__)
    return seconds[by], by


def _together(run: Callable[[Any], object], parts: list[Any]) -> Callable[[], object]:
    """A call that runs each part on a thread of its own and waits for all."""
    pool = ThreadPoolExecutor(len(parts))
    return lambda: list(pool.map(run, parts))


def _threads() -> int:
    return os.cpu_count() or 1
