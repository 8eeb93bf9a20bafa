"""From a flow table that maps have read to the table and the specification that a calibration takes."""

from functools import partial
from typing import Any

import numpy as np

from flowmodel.config import FlowModel, FlowsRun, LawChoice
from flowmodel.errors import ConfigError, FlowsError
from flowmodel.interaction.model import pair
from flowmodel.interaction.model.laws import LAWS, Law, chosen
from flowmodel.interaction.model.pair import Pair
from flowmodel.interaction.model.table import Censoring, FlowTable, Specification, home
from flowmodel.runs.maps import FlowData
from flowmodel.runs.request import Request

_LN = "ln:"


def columns(model: FlowModel) -> tuple[list[str], list[str], list[str]]:
    """The columns that a model reads: of origins, of destinations, of pairs."""
    opportunities = [model.opportunities] if model.opportunities else []
    return (
        _distinct([*map(_column, model.origin_mass), *opportunities]),
        _distinct([*map(_column, model.destination_mass), *opportunities]),
        _distinct(map(_column, model.pair)),
    )


def _distinct(names: Any) -> list[str]:
    return list(dict.fromkeys(names))


def _column(name: str) -> str:
    """The column of a coefficient: "ln:x" is the logarithm of x."""
    return name.removeprefix(_LN)


def laws(config: FlowsRun) -> list[Law]:
    """The law of the model, and those that it is compared with.

    Raises:
        ConfigError: E-LAW-NAME or E-LAW-FILE.
        FlowsError: E-LAW-START.
    """
    return [chosen(law) for law in (config.model.law, *(config.compare.laws if config.compare else ()))]


def table(data: FlowData, config: FlowsRun) -> FlowTable:
    """The table, with what its laws read of pairs.

    Raises:
        ConfigError: E-LAW-NAME or E-LAW-FILE.
        FlowsError: E-LAW-NEEDS, opportunities are not of zones, or pairs lack a distance.
    """
    needs = {need for law in laws(config) for need in law.needs}
    return FlowTable(
        data.origins,
        data.destinations,
        data.flow,
        data.listed,
        data.allowed,
        _pair(data, config.model, needs),
        partial(_place, data),
    )


def _place(data: FlowData, origin: int, destination: int) -> str:
    line = data.lines.of(origin, destination)
    return "" if line is None else f"{data.lines.file}:{line}"


def _pair(data: FlowData, model: FlowModel, needs: set[str]) -> Pair:
    distance = data.distance_km
    if model.opportunities is None or not needs - {"distance_km"}:
        return Pair(distance_km=distance)
    origin, mass = data.origin_columns[model.opportunities], data.destination_columns[model.opportunities]
    if origin.ndim != 1 or mass.ndim != 1:
        fix = "name a column of [zones]"
        raise FlowsError("E-LAW-NEEDS", f"{model.opportunities} differs between the pairs of one zone", fix)
    place = home(data.origins, data.destinations)
    between, competing = None, None
    if "between" in needs:
        between = pair.between(mass, _whole(distance, "what lies between"), place, with_home=model.include_home)
    if "competing" in needs:
        square = distance if data.origins == data.destinations else None
        competing = pair.competing(mass, _whole(square, "which destinations compete"), place)
    everywhere = pair.everywhere(origin, mass, place)
    return Pair(distance, origin, mass, everywhere, between, competing)


def _whole(distance: np.ndarray | None, what: str) -> np.ndarray:
    """Distances between all zones, also of pairs that take no part."""
    if distance is None or not np.all(np.isfinite(distance)):
        fix = 'give [flows] distance = "geodesic" or "haversine", with [zones]'
        raise FlowsError("E-LAW-NEEDS", f"to tell {what}, every pair of zones needs a distance", fix)
    return distance


def specification(data: FlowData, asked: Request[FlowsRun], law: LawChoice | None = None) -> Specification:
    """The model that the configuration asks for, or the same with another law.

    Raises:
        ConfigError: E-LAW-NAME, E-LAW-FILE, or a threshold that is no whole number.
        FlowsError: E-LAW-START.
    """
    model = asked.config.model
    wanted = chosen(model.law if law is None else law)
    return Specification(
        constraint=model.constraint,
        law=wanted,
        origin={name: _values(name, data.origin_columns) for name in model.origin_mass},
        destination={name: _values(name, data.destination_columns) for name in model.destination_mass},
        pairs={name: _values(name, data.pair_columns) for name in model.pair},
        family=model.family,
        censoring=_censoring(data),
        held=model.held if law is None else _held(model, wanted),
    )


def _held(model: FlowModel, law: Law) -> dict[str, float]:
    """What is held of a law that is compared: not the coefficients of others."""
    others = {name for other in LAWS.values() for name in other.terms if name not in law.terms}
    return {name: value for name, value in model.held.items() if name not in others}


def _values(name: str, columns: Any) -> np.ndarray:
    values = np.asarray(columns[_column(name)])
    if not name.startswith(_LN):
        return values
    with np.errstate(divide="ignore", invalid="ignore"):  # what has no logarithm is refused where a pair needs it
        return np.asarray(np.log(values))


def _censoring(data: FlowData) -> Censoring | None:
    if data.threshold is None or data.gauge is None:
        return None
    below, likelihood = data.threshold
    if below != int(below):
        raise ConfigError("E-CONFIG-KEY", f"flows.absent_pairs.below = {below}", "give a whole number of units")
    seen = data.listed & data.allowed
    per_unit = float(data.flow[seen].sum() / data.gauge[seen].sum())
    return Censoring(int(below), per_unit, likelihood)
