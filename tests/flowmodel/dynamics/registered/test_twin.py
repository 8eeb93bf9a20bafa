"""The registered stock on its two paths, each against the plain twin of tests/support/stock_twin.py, and each other.

What belongs here: agreement of states, flows and the accounts' entries on small random worlds, and accounts that
close. Compiling takes most of the time, so that few cases have every process between them.
"""

import dataclasses
import functools

import numpy as np
import pytest
import stock_twin as twin
import stock_worlds
from stock_worlds import EVERYTHING, close, compiled, switches

from flowmodel.dynamics.registered.accounts import Places, RegisteredAccounts, check
from flowmodel.dynamics.registered.factored import accounts as factored_accounts
from flowmodel.dynamics.registered.factored import rollout as factored
from flowmodel.dynamics.registered.pairwise import accounts as dense_accounts
from flowmodel.dynamics.registered.pairwise import rollout as pairwise
from flowmodel.dynamics.registered.pairwise.rollout import PairwiseHistory
from flowmodel.dynamics.registered.run import strengths
from flowmodel.errors import NumericError
from flowmodel.gravity import pair

FACTORED = {
    "both": stock_worlds.case(3, "one", switches("both"), hard=True),
    "learning": stock_worlds.case(4, "skills", switches("residence")),
    "origin": stock_worlds.case(5, "one", switches("origin", conversion=False)),
    "off": stock_worlds.case(6, "one", switches("off"), hard=True),
}
DENSE = {
    "both": FACTORED["both"],
    "learning": FACTORED["learning"],
    "frozen": stock_worlds.case(7, "one", switches("origin", conversion=False, network="frozen", competing=True)),
    "onward": stock_worlds.case(8, "one", switches("off", onward=True, nest=True), hard=True),
    "everything": stock_worlds.case(9, "skills_ages", EVERYTHING, hard=True),
}
factored_history, history = compiled(factored.history), compiled(pairwise.history)
ENTRIES = [field.name for field in dataclasses.fields(pairwise.Record) if field.name != "cross_divide"]


@functools.cache
def twin_run(name: str) -> tuple[twin.State, list[tuple[twin.State, twin.Record]]]:
    """The twin's first stock and its years."""
    case = (DENSE | FACTORED)[name]
    values, start = stock_worlds.twin_of(case)
    return start, twin.run(case.world, values, case.switches, start)


@functools.cache
def dense_run(name: str, dtype: type = np.float64) -> PairwiseHistory:
    case = DENSE[name]
    return history(stock_worlds.parameters_of(case), stock_worlds.country_of(case, dtype))


@functools.cache
def factored_run(name: str, dtype: type = np.float64) -> dict[str, np.ndarray]:
    """States [year, group, zone], and people away and flows pair by pair, from their factors."""
    case = FACTORED[name]
    parameters, country = stock_worlds.parameters_of(case), stock_worlds.country_of(case, dtype)
    _, states, moved = factored_history(parameters, country)
    found = {
        name: np.stack([getattr(state, name) for state in states], axis=1)
        for name in ("home", "within", "near", "far", "residents")
    }
    pairs = pairwise.pairs_of(country)
    strengths = [np.asarray(pairs.strength(pair.coefficients(group.choice)).matrix) for group in parameters.groups]
    near = twin.same(case.world.province)
    away = [
        np.where(near, left @ np.asarray(state.cohorts.near)[-1].T, left @ np.asarray(state.cohorts.far)[-1].T) * matrix
        for state, matrix in zip(states, strengths, strict=True)
        for left in [np.asarray(state.cohorts.left)[-1]]
    ]
    flows = [
        np.asarray(m.push)[:, :, None]
        * matrix
        * np.where(near, np.asarray(m.pull_near)[:, None, :], np.asarray(m.pull_far)[:, None, :])
        for m, matrix in zip(moved, strengths, strict=True)
    ]
    entries = {name: np.stack([getattr(m, name) for m in moved], axis=1) for name in ("births", "deaths")}
    return found | entries | {"away": np.stack(away), "flow": np.stack(flows, axis=1)}


def counts(years: list[tuple[twin.State, twin.Record]], province: np.ndarray) -> dict[str, np.ndarray]:
    """The twin's people by zone [year, group, zone]."""
    near = twin.same(province)
    return {
        "home": np.stack([state.home for state, _ in years]),
        "within": np.stack([state.within for state, _ in years]),
        "near": np.stack([(state.away * near).sum(axis=1) for state, _ in years]),
        "far": np.stack([(state.away * ~near).sum(axis=1) for state, _ in years]),
        "residents": np.stack([twin.residents(state) for state, _ in years]),
    }


# Both paths against the twin.

PRECISIONS = [(np.float64, 1e-10), (np.float32, 1e-5)]


@pytest.mark.parametrize("name", FACTORED)
def test_factored_path(name: str) -> None:
    _, years = twin_run(name)
    found = factored_run(name)
    for what, expected in counts(years, FACTORED[name].world.province).items():
        close(found[what], expected, 1e-10, what)
    for what in ("births", "deaths", "flow"):
        close(found[what], np.stack([getattr(record, what) for _, record in years]), 1e-10, what)
    close(found["away"], years[-1][0].away, 1e-10)


@pytest.mark.parametrize(
    ("name", "dtype", "rtol"), [(n, *p) for n in DENSE for p in PRECISIONS if n == "everything" or p == PRECISIONS[0]]
)
def test_dense_path(name: str, dtype: type, rtol: float) -> None:
    start, years = twin_run(name)
    run = dense_run(name, dtype)
    for what, expected in counts(years, DENSE[name].world.province).items():
        close(getattr(run.states, what), expected, rtol, what)
    for what in ENTRIES:
        close(getattr(run.records, what), np.stack([getattr(record, what) for _, record in years]), rtol, what)
    close(run.away, years[-1][0].away, rtol)
    close(run.start.out, start.away.sum(axis=2), rtol)


@pytest.mark.parametrize(
    ("name", "dtype", "rtol"),
    [("both", np.float64, 1e-12), ("learning", np.float64, 1e-12), ("both", np.float32, 1e-5)],
)
def test_both_paths_agree(name: str, dtype: type, rtol: float) -> None:
    factored, dense = factored_run(name, dtype), dense_run(name, dtype)
    for what in ("home", "within", "near", "far", "residents"):
        close(getattr(dense.states, what), factored[what], rtol, what)


# Accounts.


@pytest.mark.parametrize("name", ["both", "learning", "everything"])
def test_accounts_close(name: str) -> None:
    run, elsewhere = dense_run(name), DENSE[name].margins["elsewhere"]
    entries = {what: np.asarray(getattr(run.records, what)) for what in ENTRIES}
    for who, change in (
        ("residents", ("births", "deaths", "inflow", "outflow", "regrouped")),
        (
            "registered",
            ("births_registered", "deaths_registered", "converted_in", "converted_out", "regrouped_registered"),
        ),
    ):
        closing = np.asarray(getattr(run.states, who))
        opening = np.concatenate([np.asarray(getattr(run.start, who))[None], closing[:-1]])
        born, died, inflow, outflow, regrouped = (entries[what] for what in change)
        np.testing.assert_allclose(
            opening + born - died + inflow - outflow + regrouped, closing, rtol=0, atol=1e-6, err_msg=who
        )
        assert min(np.abs(entries[what]).max() for what in change[:-1]) > 1
    _, years = twin_run(name)
    close(
        np.asarray(run.states.registered) + elsewhere, np.stack([twin.registered(state) for state, _ in years]), 1e-10
    )
    for what in ("births", "deaths"):
        close(entries[what].sum(axis=-1), entries[f"{what}_registered"].sum(axis=-1), 1e-12, what)


@functools.cache
def closed(name: str, path: str) -> RegisteredAccounts:
    """The accounts of a run by the path named, float64."""
    case = FACTORED[name]
    parameters, country = stock_worlds.parameters_of(case), stock_worlds.country_of(case)
    elsewhere, places = case.margins["elsewhere"], places_of(case.world)
    if path == "pairwise":
        return dense_accounts.accounts(dense_run(name), elsewhere, places)
    history = factored_history(parameters, country)
    return factored_accounts.accounts(*history, strengths(parameters, country), elsewhere, places)


def places_of(world: twin.World) -> Places:
    """Every other prefecture is a city."""
    city = np.where(np.asarray(world.prefecture) % 2 == 0, world.prefecture, -1)
    return Places(np.asarray(world.province), np.asarray(world.east), city)


@pytest.mark.parametrize("name", ["both", "learning"])
def test_accounts_are_the_same_on_both_paths_and_the_twins(name: str) -> None:
    factored, dense = closed(name, "factored"), closed(name, "pairwise")
    for field in dataclasses.fields(factored):
        if field.name == "children":  # an account of its own, tests/test_children.py
            continue
        close(getattr(factored, field.name), getattr(dense, field.name), 1e-9, field.name)
    start, years = twin_run(name)
    world, places = FACTORED[name].world, places_of(FACTORED[name].world)
    for what in ENTRIES:
        close(getattr(factored, what), np.stack([getattr(record, what) for _, record in years]), 1e-10, what)
    east = np.asarray(world.east)
    moves = [record.flow.sum(axis=0) + record.returns.sum(axis=0).T for _, record in years]
    crossed = [[moved[east][:, ~east].sum(), moved[~east][:, east].sum()] for moved in moves]
    close(factored.cross_divide, np.array(crossed), 1e-10)
    for stock, state in ((factored.stock_start, start), (factored.stock, years[-1][0])):
        pairs = state.away.sum(axis=0)
        expected = np.zeros_like(stock)
        np.add.at(expected, (places.province[:, None], places.province[None, :]), pairs)
        close(stock, expected, 1e-10)
    inside = (places.city[:, None] == places.city) & (places.city >= 0)
    close(factored.in_city, np.where(inside, years[-1][0].away.sum(axis=0), 0).sum(axis=0), 1e-10)


def test_a_lost_person_is_found_and_named() -> None:
    accounts = closed("both", "factored")
    codes, groups = np.array([f"z{i}" for i in range(accounts.closing.shape[-1])]), ("all",)
    check(accounts, codes, groups, 2010)
    for field, what in (("closing", "residents"), ("registered_closing", "registered people"), ("inflow", "residents")):
        bent = getattr(accounts, field).copy()
        bent[2, 0, 5] += 1.5
        with pytest.raises(NumericError, match=f"E-ACCOUNT-ZONE zone z5, group all, year 2013: 1.5.* {what}"):
            check(dataclasses.replace(accounts, **{field: bent}), codes, groups, 2010)
    spread = accounts.closing + accounts.closing / accounts.closing.sum(axis=2, keepdims=True) * 1e-2
    with pytest.raises(NumericError, match="E-ACCOUNT-NATION"):
        check(dataclasses.replace(accounts, closing=spread), codes, groups, 2010)
    away = accounts.away.copy()
    away[0, 0, 3] = -1e-3
    with pytest.raises(NumericError, match="E-ACCOUNT-NEGATIVE zone z3.*away"):
        check(dataclasses.replace(accounts, away=away), codes, groups, 2010)


# The order of zones, and zones and groups with nobody.


@pytest.mark.parametrize("path", ["factored", "pairwise"])
def test_relabelling_zones_relabels_the_outcome(path: str) -> None:
    name = {"factored": "both", "pairwise": "everything"}[path]
    case, order = (DENSE | FACTORED)[name], np.random.default_rng(1).permutation(30)
    moved = stock_worlds.relabelled(case, order)
    inputs = stock_worlds.parameters_of(moved), stock_worlds.country_of(moved)
    if path == "pairwise":
        found, expected = history(*inputs).states, dense_run(name).states
        ends, before = (np.asarray(states.residents)[-1] for states in (found, expected))
    else:
        ends = np.stack([state.residents[-1] for state in factored_history(*inputs)[1]])
        before = factored_run(name)["residents"][-1]
    close(ends, before[:, order], 1e-10)
