"""One year's two products over the cells of a grid with the divide, in fast SciPy: real transforms, float32.

Both sides of the divide are columns of one transform, on all cores; the kernel's spectrum is made once. With h the
height of the divide, S @ w is on either side the convolution of its own people plus e^-h that of the other's.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Float32 = NDArray[np.float32]


class NumpyGrid:
    """The products of one grid, ready to be called again and again.

    Args:
        east: side of the divide [y, x].
        zone: whether a cell is a zone [y, x].
        cell_km: side of a cell.
        exponent: of distance, positive.
        offset_km: added to every distance.
        height: of the divide, in units of utility.
        workers: threads.
    """

    def __init__(
        self,
        east: NDArray[np.bool_],
        zone: NDArray[np.bool_],
        cell_km: float,
        exponent: float,
        offset_km: float,
        height: float,
        workers: int,
    ) -> None:
        """Makes the spectrum of the kernel on the padded torus."""
        self._sides = np.stack([east & zone, ~east & zone])
        self._shape, self._workers, self._lowered = east.shape, workers, np.float32(np.exp(-height))
        self._padded = [fft.next_fast_len(2 * n - 1, real=True) for n in east.shape]
        down, across = (np.minimum(np.arange(n), n - np.arange(n)) * cell_km for n in self._padded)
        distance = np.hypot(down[:, None], across).astype(np.float32)
        distance += np.float32(offset_km)
        distance /= np.float32(300)
        np.log(distance, out=distance)
        distance *= np.float32(-exponent)
        np.exp(distance, out=distance)
        distance[0, 0] = 0
        self._spectrum = np.ascontiguousarray(fft.rfft2(distance, workers=workers).real)

    def product(self, weight: Float32) -> Float32:
        """S @ weight [y, x]."""
        rows, columns = self._shape
        transform = fft.rfft2(np.where(self._sides, weight, 0), self._padded, workers=self._workers, overwrite_x=True)
        transform *= self._spectrum
        sums = fft.irfft2(transform, self._padded, workers=self._workers, overwrite_x=True)[:, :rows, :columns]
        east, west = sums[0], sums[1]
        return np.asarray(
            np.where(self._sides[0], east + self._lowered * west, 0)
            + np.where(self._sides[1], west + self._lowered * east, 0)
        )

    def year(self, leavers: Float32, pull: Float32) -> Float32:
        """Inflow of those who leave, persons [y, x]."""
        reach = self.product(pull)
        push = np.divide(leavers, reach, out=np.zeros_like(reach), where=reach > 0)
        return pull * self.product(push)
