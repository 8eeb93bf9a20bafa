"""Margins of every group: all people who live in a zone have the group shares of its residents."""

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

    Residents of a zone have the group shares `share` [group, zone], wherever they are registered: a census of counties
    does not report migrants' education. People away therefore have the shares of the zones where they live, summed in
    `out` [group, zone] (`initial.away_by_group`), so that the two sides of every group agree.
    """
    m = margins
    return GroupMargins(m.home * share, m.within * share, m.near * share, m.far * share, out, m.elsewhere * share)
