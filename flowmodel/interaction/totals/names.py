"""Names of rows, columns and groups in messages about totals: labels, or indices if there are none."""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

_MOST_LISTED = 20
Labels = Sequence[str] | None


@dataclasses.dataclass(frozen=True)
class Names:
    """Labels in the order of the table; None for indices.

    Attributes:
        origin: label of every row.
        destination: label of every column.
        origin_group: label of every group of origins.
        destination_group: label of every group of destinations.
    """

    origin: Labels = None
    destination: Labels = None
    origin_group: Labels = None
    destination_group: Labels = None

    def of(self, kind: str, where: np.ndarray) -> list[str]:
        """Names of the non-zero elements of an array of a kind of totals or of the prior, such as "3" or "(0, 2)"."""
        return [_joined(index, self.axes(kind)) for index in np.argwhere(where)]

    def axes(self, kind: str) -> tuple[Labels, ...]:
        """Labels of each axis of a kind of totals, or of the prior."""
        return {
            "outflow": (self.origin,),
            "inflow": (self.destination,),
            "net": (self.origin,),
            "block": (self.origin_group, self.destination_group),
            "prior": (self.origin, self.destination),
        }[kind]


def _joined(index: np.ndarray, axes: tuple[Labels, ...]) -> str:
    parts = [str(at) if labels is None else labels[at] for at, labels in zip(index, axes, strict=True)]
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


def listed(rows: Iterable[object]) -> str:
    """Up to twenty of the rows, and the number of others."""
    names = [str(row) for row in rows]
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(names[:_MOST_LISTED]) + more
