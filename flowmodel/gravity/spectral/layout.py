"""The sizes of the transforms, which are fixed when a program is compiled and do not depend on people."""

import dataclasses

Shape = tuple[int, int]
"""Rows (y) and columns (x)."""


@dataclasses.dataclass(frozen=True)
class Window:
    """A window of the grid and the torus it is convolved on.

    Attributes:
        shape: of the window, in cells.
        padded: of the torus: at least twice the window less one, so that no pair of cells wraps around it.
        batch: windows that are transformed together.
    """

    shape: Shape
    padded: Shape
    batch: int


@dataclasses.dataclass(frozen=True)
class Layout:
    """How a grid is cut into transforms.

    Attributes:
        shape: of the grid.
        cell_km: side of a cell.
        corner: row and column where the window of all zones begins.
        whole: the window of all zones.
        windows: of the units, by size.
        levels: the borders in use, of `LEVELS`.
        divided: whether there are zones on both sides of the divide.
    """

    shape: Shape
    cell_km: float
    corner: Shape
    whole: Window
    windows: tuple[Window, ...]
    levels: tuple[str, ...]
    divided: bool


LEVELS = ("province", "prefecture", "county")


def fast_length(least: int) -> int:
    """The smallest length of at least `least` with fast transforms: 1, or even with no prime factor above 7."""
    length = least + least % 2 if least > 1 else 1
    while not _smooth(length):
        length += 2
    return length


def window(shape: Shape) -> Window:
    """A window, alone in its batch, and the smallest fast torus around it."""
    return Window(shape, (fast_length(2 * shape[0] - 1), fast_length(2 * shape[1] - 1)), batch=1)


def _smooth(length: int) -> bool:
    for prime in (2, 3, 5, 7):
        while length % prime == 0:
            length //= prime
    return length == 1
