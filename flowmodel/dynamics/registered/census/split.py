"""Margins of every group: who lives in a zone is made up as its residents are, wherever they are registered."""

from __future__ import annotations

import dataclasses

import numpy as np

from flowmodel.dynamics.registered.census.margins import Margins


@dataclasses.dataclass(frozen=True)
class GroupMargins:
    """Persons by [group, zone], as in `Margins`."""

    home: np.ndarray
    within: np.ndarray
    near: np.ndarray
    far: np.ndarray
    out: np.ndarray
    elsewhere: np.ndarray


def split(margins: Margins, share: np.ndarray, out: np.ndarray) -> GroupMargins:
    """Splits margins by groups.

    Residents of a zone are in the groups as `share` [group, zone] says, wherever they are registered: a census of
    counties does not tell migrants' education. So those away are as the zones are made up where they live, which
    `out` [group, zone] has summed (`initial.away_by_group`), and both sides of every group agree.
    """
    m = margins
    return GroupMargins(m.home * share, m.within * share, m.near * share, m.far * share, out, m.elsewhere * share)
