"""The accounts of a run on the pairwise path, in the same form as on the factored path."""

import dataclasses
from typing import Any

import numpy as np

from flowmodel.dynamics.registered.accounts import Places, RegisteredAccounts
from flowmodel.dynamics.registered.pairwise.rollout import PairwiseHistory


def accounts(history: PairwiseHistory, elsewhere: np.ndarray, places: Places) -> RegisteredAccounts:
    """The accounts of a pairwise run.

    Args:
        history: the run, in float64.
        elsewhere: registered people without a residence in any zone, persons [group, zone].
        places: where the zones lie.
    """
    start, states = history.start, history.states
    record: dict[str, Any] = {
        field.name: np.asarray(getattr(history.records, field.name)) for field in dataclasses.fields(history.records)
    }
    residents = np.concatenate([np.asarray(start.residents)[None], np.asarray(states.residents)])
    registered = np.concatenate([np.asarray(start.registered)[None], np.asarray(states.registered)]) + elsewhere
    belongs = (places.province[:, None] == np.arange(places.province.max() + 1)).astype(float)
    first, last = (np.asarray(away, float).sum(axis=0) for away in (history.away_start, history.away))
    in_one_city = (places.city[:, None] == places.city) & (places.city >= 0)
    return RegisteredAccounts(
        **record,
        opening=residents[:-1],
        closing=residents[1:],
        registered_opening=registered[:-1],
        registered_closing=registered[1:],
        within=np.asarray(states.within),
        near=np.asarray(states.near),
        far=np.asarray(states.far),
        away=np.asarray(states.out),
        within_start=np.asarray(start.within),
        near_start=np.asarray(start.near),
        far_start=np.asarray(start.far),
        away_start=np.asarray(start.out),
        stock_start=belongs.T @ first @ belongs,
        stock=belongs.T @ last @ belongs,
        in_city=np.where(in_one_city, last, 0.0).sum(axis=0),
        placed_start=first.sum(axis=0),
    )
