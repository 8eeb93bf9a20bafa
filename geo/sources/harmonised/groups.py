"""Things that belong together: the connected parts of a graph of labels."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Label = TypeVar("Label")


def connected(labels: Sequence[Label], together: Iterable[Sequence[Label]]) -> list[list[Label]]:
    """Group labels that stand in one set of `together`, directly or through others.

    Args:
        labels: All labels, each once.
        together: Sets of labels that belong together.

    Returns:
        The groups, and the labels of each, in the order of `labels`.
    """
    at = {label: position for position, label in enumerate(labels)}
    edges = [(at[members[0]], at[other]) for members in together for other in members[1:]]
    first, second = np.array(edges, dtype=np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(edges), dtype=np.int8), (first, second)), shape=(len(labels), len(labels)))
    _, group = connected_components(graph, directed=False)
    groups: dict[int, list[Label]] = {}
    for label, number in zip(labels, group.tolist(), strict=True):
        groups.setdefault(number, []).append(label)
    return list(groups.values())
