"""One production-constrained step in fast NumPy: float32, in place, one exponential and one logarithm for each pair.

Two methods, both in blocks of rows that stay in a core's cache, on one or more threads:

- "half": each pair of zones once (S is symmetric), the half above the diagonal kept from reach to inflow: half of
  the exponentials, N^2 / 2 floats of memory. The fastest at county scale.
- "blocks": a block gives its reach, then its share of the inflow, and is not kept: any number of zones.

Squared distances come from one BLAS product of augmented coordinates, |x|^2 + |y|^2 - 2 x.y. In float32 that cancels
for close pairs, so zones are sorted into compact blocks beforehand, every block's centre is its own origin, and the
few pairs nearer than 40 km are found beforehand and written over the product. Without them the worst of 2,850 zones
is wrong by a thousandth, with them by some millionths.

Tried and slower (one thread, 2,850 zones): differences of coordinates, eight passes where the product is one; the
product in float64, cast to float32, as slow as differences; blocks of 16 rows, whose calls are too many.
"""

import contextlib
import ctypes
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from benchmarks.case_step import Float32, StepCase

Method = Literal["half", "blocks"]
LARGEST_ROWS, SMALLEST_ROWS = 192, 16
BLOCK_PAIRS = 550_000  # 2.2 MB, in a core's share of the cache
NEAR = 0.00628  # 40 km on the unit sphere


class NumpyStep:
    """The step of one case, ready to be called again and again.

    Args:
        case: zones, masses, leavers.
        threads: that share the blocks.
        method: see above.
    """

    def __init__(self, case: StepCase, threads: int = 1, method: Method = "half") -> None:
        """Sorts the zones into compact blocks and takes the memory."""
        zones = len(case.mass)
        rows = self._block_rows = max(SMALLEST_ROWS, min(LARGEST_ROWS, BLOCK_PAIRS // zones))
        self._order = compact_order(case.position, rows)
        self._position = np.ascontiguousarray(case.position[self._order].T)
        self._mass, self._leavers = case.mass[self._order], case.leavers[self._order]
        self._power = np.float32(-case.exponent / 2)  # of the squared distance
        self._threads, self._method = threads, method
        self._pool = ThreadPoolExecutor(max(threads - 1, 1))
        self._rows = range(0, zones, rows)
        # Half a table needs a place for every block; whole rows one for every thread.
        self._pull = [
            np.empty((min(rows, zones - low), zones - low if method == "half" else zones), np.float32)
            for low in (self._rows if method == "half" else [0] * threads)
        ]
        self._near = self._near_pairs()
        self._augmented = np.ones((threads, 5, zones), np.float32)
        self._square = np.empty((threads, 3, zones), np.float32)

    def _near_pairs(self) -> list[tuple[NDArray[np.intp], NDArray[np.intp], Float32]]:
        """Of every block: row and column in its part of the table, and squared distance; infinite to oneself."""
        zones, position = len(self._mass), self._position.T.astype(np.float64)
        one, other = KDTree(position).query_pairs(NEAR, output_type="ndarray").T
        oneself = np.arange(zones)
        row, column = np.concatenate([one, other, oneself]), np.concatenate([other, one, oneself])
        if self._method == "half":
            above = row // self._block_rows <= column // self._block_rows
            row, column = row[above], column[above]
        by_row = np.argsort(row, kind="stable")
        row, column = row[by_row], column[by_row]
        squared = np.sum((position[row] - position[column]) ** 2, axis=1).astype(np.float32)
        squared[row == column] = np.inf  # its negative power is zero
        near = []
        for low in self._rows:
            block = slice(*np.searchsorted(row, [low, low + self._block_rows]))
            near.append((row[block] - low, column[block] - (low if self._method == "half" else 0), squared[block]))
        return near

    def __call__(self) -> Float32:
        """Inflow, persons [N].

        Raises:
            FloatingPointError: two zones are too close together for float32.
        """
        with one_blas_thread(), np.errstate(divide="ignore", invalid="ignore"):
            if self._method == "half":
                push = self._leavers / self._shared(self._reach)
                arrived = self._shared(lambda low, part, thread: self._arrive(low, push, part))
            else:
                arrived = self._shared(self._both)
        if not np.isfinite(arrived).all():
            raise FloatingPointError("two zones are too close together for float32")
        inflow = np.empty_like(arrived)
        inflow[self._order] = arrived * self._mass
        return inflow

    def _shared(self, block: Callable[[int, Float32, int], None]) -> Float32:
        """The sum of what `block` adds to a thread's part [N]; each thread takes the next block when it is free."""
        parts, blocks = np.zeros((self._threads, len(self._mass)), np.float32), iter(self._rows)

        def work(thread: int) -> None:
            for low in blocks:
                block(low, parts[thread], thread)

        others = [self._pool.submit(work, thread) for thread in range(1, self._threads)]
        work(0)
        for other in others:
            other.result()
        return np.asarray(parts.sum(axis=0))

    def _reach(self, low: int, reach: Float32, thread: int) -> None:
        """Makes a block of the half table, and adds what it gives to its own rows and to those after it."""
        pull = self._pull[low // self._block_rows]
        high = low + len(pull)
        self._fill(pull, low, low, thread)
        reach[low:high] += pull @ self._mass[low:]
        reach[high:] += self._mass[low:high] @ pull[:, len(pull) :]

    def _arrive(self, low: int, push: Float32, arrived: Float32) -> None:
        """Adds what a block of the half table brings to the rows after it and to its own."""
        pull = self._pull[low // self._block_rows]
        high = low + len(pull)
        arrived[low:] += push[low:high] @ pull
        arrived[low:high] += pull[:, len(pull) :] @ push[high:]

    def _both(self, low: int, arrived: Float32, thread: int) -> None:
        """A block of whole rows: its reach, then what it sends."""
        pull = self._pull[thread][: len(self._mass) - low]
        self._fill(pull, low, 0, thread)
        arrived += (self._leavers[low : low + len(pull)] / (pull @ self._mass)) @ pull

    def _fill(self, pull: Float32, low: int, first: int, thread: int) -> None:
        """Writes S of the zones from `low` on, as many as `pull` has rows, against all zones from `first` on."""
        rows, own = len(pull), slice(low - first, low - first + len(pull))
        every, square = self._augmented[thread][:, first:], self._square[thread][:, first:]
        centre = self._position[:, low : low + rows].mean(axis=1, keepdims=True)
        np.subtract(self._position[:, first:], centre, out=every[:3])
        np.multiply(every[:3], every[:3], out=square)
        np.sum(square, axis=0, out=every[4])
        block = np.ones((rows, 5), np.float32)
        np.multiply(every[:3, own].T, -2, out=block[:, :3])
        block[:, 3] = every[4, own]
        np.matmul(block, every, out=pull)
        row, column, squared = self._near[low // self._block_rows]
        pull[row, column] = squared
        np.log(pull, out=pull)
        np.multiply(pull, self._power, out=pull)
        np.exp(pull, out=pull)


def compact_order(position: Float32, rows: int) -> NDArray[np.intp]:
    """An order [N] in which every `rows` zones lie close together: strips by height, there and back by longitude."""
    strips = max(round((len(position) / rows) ** 0.5), 1)
    lon = np.arctan2(position[:, 1], position[:, 0])
    by_height = np.array_split(np.argsort(position[:, 2], kind="stable"), strips)
    return np.concatenate([strip[np.argsort(lon[strip] * (-1) ** k)] for k, strip in enumerate(by_height)])


def _openblas() -> ctypes.CDLL | None:
    """The OpenBLAS that NumPy's wheel brings along; None where NumPy has another library."""
    found = sorted((Path(np.__file__).parents[1] / "numpy.libs").glob("libscipy_openblas64_*"))
    return ctypes.CDLL(str(found[0])) if found else None


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Holds OpenBLAS to one thread: its own would fight with those that share the blocks."""
    library = _openblas()
    if library is None:
        yield
        return
    before = library.scipy_openblas_get_num_threads64_()
    library.scipy_openblas_set_num_threads64_(1)
    try:
        yield
    finally:
        library.scipy_openblas_set_num_threads64_(before)
