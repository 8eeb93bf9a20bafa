"""Builds the design of a fit from a flow table and a specification."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from flowmodel.errors import ConfigError, FlowsError
from flowmodel.interaction.model import design as designs
from flowmodel.interaction.model.design import EFFECTS, Column, Design
from flowmodel.interaction.model.laws import Shape
from flowmodel.interaction.model.pair import Entry, Pair, as_arrays, axis_of
from flowmodel.interaction.model.table import FlowTable, Specification

CONSTANT = "const"
_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Built:
    """A design with the names of its coefficients.

    Attributes:
        design: the design, with standardised columns.
        names: names of the coefficients, in the order of `Point.coefficients`; the constant, if any, comes first.
        absorbed: names of coefficients that the effects absorb.
        means: means of the columns before standardisation, 0 for the constant [column].
        deviations: standard deviations of the columns before standardisation, 1 for the constant [column].
    """

    design: Design
    names: tuple[str, ...]
    absorbed: tuple[str, ...]
    means: np.ndarray
    deviations: np.ndarray

    def natural(self, coefficients: np.ndarray) -> np.ndarray:
        """Coefficients of the columns before standardisation."""
        return np.asarray(self.jacobian() @ coefficients)

    def jacobian(self) -> np.ndarray:
        """Derivatives of natural by standardised coefficients [K, K]."""
        rest = len(self.names) - len(self.means)
        scale = np.concatenate([1 / self.deviations, np.ones(rest)])
        matrix = np.diag(scale)
        if self.names and self.names[0] == CONSTANT:
            matrix[0, 1 : len(self.means)] = -(self.means / self.deviations)[1:]
        return matrix


def build(table: FlowTable, specification: Specification) -> Built:
    """The design of `specification` on `table`.

    Raises:
        ConfigError: JAX computes in float32, which is not precise enough (call `runtime.configure` first), or an
            unknown coefficient is to be held.
        FlowsError: the law is not defined for a distance or mass, a column is not finite, or the table has no flow.
    """
    if not jax.config.read("jax_enable_x64"):
        raise ConfigError("E-PRECISION", "JAX computes in float32", "call flowmodel.runtime.configure first")
    if not np.any(table.flow[table.allowed] > 0):
        raise FlowsError("E-FLOWS-NONE", "no pair in the fit has a positive flow", "check [flows] and intrazonal")
    _check_positive(table, specification)
    pair = as_arrays(table.pair)
    allowed: Array = jnp.asarray(table.allowed)
    columns, absorbed = _columns(table, specification, pair)
    _check_held(specification, columns)
    held, factor = specification.held, specification.law.factor
    offset = jnp.zeros((1, 1)) if factor is None else factor(pair)
    offset = offset + sum((value * columns[name] for name, value in held.items()), jnp.zeros((1, 1)))
    free = {name: column for name, column in columns.items() if name not in held}
    for name, column in free.items():
        _check_finite(name, column, table)
    scaled, means, deviations = designs.standardised(tuple(free.values()), allowed)
    shape = specification.law.shape
    origin_effects, destination_effects = EFFECTS[specification.constraint]
    names = tuple(free)
    if not (origin_effects or destination_effects):
        one = jnp.ones((1, 1))
        scaled, names = (one, *scaled), (CONSTANT, *names)
        means, deviations = np.concatenate([[0.0], means]), np.concatenate([[1.0], deviations])
    if shape is not None:
        shape = _started(shape, table)
        _check_shape(specification, shape, pair, table)
    flow = jnp.where(allowed, jnp.asarray(table.flow, float), 0.0)
    made = Design(
        flow=flow,
        listed=jnp.asarray(table.listed),
        allowed=allowed,
        outflow=jnp.sum(flow, axis=1),
        inflow=jnp.sum(flow, axis=0),
        offset=jnp.where(allowed, offset, 0.0) if offset.size > 1 else offset,
        columns=scaled,
        pair=as_arrays(_filled(table.pair, table.allowed)) if shape else Pair(),
        weight=jnp.ones((len(table.origins), 1)),
        shape=shape,
        origin_effects=origin_effects,
        destination_effects=destination_effects,
    )
    return Built(made, (*names, *(shape.names if shape else ())), absorbed, means, deviations)


def _columns(table: FlowTable, specification: Specification, pair: Pair) -> tuple[dict[str, Column], tuple[str, ...]]:
    """All linear columns by name, in the order of reports, and the names of absorbed ones."""
    origin_effects, destination_effects = EFFECTS[specification.constraint]
    columns, absorbed = {}, []
    blocks = (
        ("origin", 1, origin_effects, specification.origin),
        ("destination", 0, destination_effects, specification.destination),
    )
    for side, axis, effects, given in blocks:
        for name, values in given.items():
            if effects and values.ndim == 1:
                absorbed.append(f"{side}:{name}")
            else:
                array = jnp.asarray(values, float)
                columns[f"{side}:{name}"] = jnp.expand_dims(array, axis) if values.ndim == 1 else array
    for name, term in specification.law.terms.items():
        columns[name] = term(pair)
    for name, values in specification.pairs.items():
        columns[f"pair:{name}"] = jnp.asarray(values, float)
    return {name: _inside(column, table) for name, column in columns.items()}, tuple(absorbed)


def _inside(column: Column, table: FlowTable) -> Column:
    """A column with zeros for pairs outside the fit, where it may not be finite."""
    axes = tuple(axis for axis in (0, 1) if column.shape[axis] == 1)
    return jnp.where(np.any(table.allowed, axis=axes, keepdims=True), column, 0.0)


def _filled(pair: Pair, allowed: np.ndarray) -> Pair:
    """Variables of pairs with values outside the fit replaced by one inside, so that sums do not contain 0 · ∞."""

    def fill(name: str, values: Entry) -> np.ndarray:
        array = np.asarray(values)
        used = allowed if array.ndim == 2 else allowed.any(axis=axis_of(name))
        return np.where(used, array, array[used][0])

    return Pair(**{name: fill(name, values) for name, values in vars(pair).items() if values is not None})


def _started(shape: Shape, table: FlowTable) -> Shape:
    """The shape with numbers for starts of None: one over the flow-weighted mean of intervening opportunities."""
    if None not in shape.start:
        return shape
    assert table.pair.between is not None
    flow = np.where(table.allowed, table.flow, 0.0)
    mean = float(np.sum(flow * table.pair.between) / np.sum(flow))
    start = tuple(1 / max(mean, 1e-300) if value is None else value for value in shape.start)
    return dataclasses.replace(shape, start=start)


def _check_held(specification: Specification, columns: dict[str, Column]) -> None:
    unknown = [name for name in specification.held if name not in columns]
    if unknown:
        what = f"[model] held: the model has no linear coefficient {', '.join(unknown)}"
        raise ConfigError("E-MODEL-HELD", what, f"hold some of {', '.join(columns)}" if columns else "hold nothing")


def _check_positive(table: FlowTable, specification: Specification) -> None:
    """Refuses variables without a logarithm, and names the pairs."""
    for need in specification.law.needs:
        values = getattr(table.pair, need)
        if values is None:
            fix = "give [flows] distance" if need == "distance_km" else "give [model] opportunities"
            raise FlowsError("E-LAW-NEEDS", f"law {specification.law.name} needs {need}", fix)
        array = np.asarray(values)
        wide = array if array.ndim == 2 else np.expand_dims(array, axis_of(need))
        wrong = table.allowed & ~(np.isfinite(wide) & (wide >= 0))
        if need in specification.law.positive:
            wrong |= table.allowed & ~(wide > 0)
        if np.any(wrong):
            found = f"law {specification.law.name} takes the logarithm of {need}, which is not positive"
            fix = "leave these pairs out (intrazonal = false), give them a positive distance, or choose another law"
            raise FlowsError("E-LAW-DOMAIN", f"{found} for {named(wrong, table)}", fix)


def _check_finite(name: str, column: Column, table: FlowTable) -> None:
    """Refuses a column that is not finite for a pair in the fit; names the zones if it is a property of zones."""
    values = np.asarray(column)
    wrong = table.allowed & ~np.isfinite(values)
    if not np.any(wrong):
        return
    where = named(wrong, table)
    for axis, labels in ((1, table.origins), (0, table.destinations)):
        if values.shape[axis] == 1 and values.shape[1 - axis] > 1:
            zones = [label for label, one in zip(labels, np.any(wrong, axis=axis), strict=True) if one]
            where = f"{len(zones)} zones: {', '.join(zones[:_SHOWN])}" + (", …" if len(zones) > _SHOWN else "")
    fix = "a logarithm needs positive values; leave zones out by [zones] exclude, or use the column without logarithm"
    raise FlowsError("E-MODEL-DOMAIN", f"{name} is not finite for {where}", fix)


def _check_shape(specification: Specification, shape: Shape, pair: Pair, table: FlowTable) -> None:
    """Refuses a law that is not finite at the start of the search."""
    wrong = table.allowed & ~np.isfinite(np.asarray(shape.rule(jnp.asarray(shape.start, float), pair)))
    if np.any(wrong):
        found = f"law {specification.law.name} is not finite at its start for {named(wrong, table)}"
        raise FlowsError("E-LAW-DOMAIN", found, "give another start, or correct the law")


def named(pairs: np.ndarray, table: FlowTable) -> str:
    """Number of pairs, and labels and places in the source of the first few."""
    where = np.argwhere(pairs)
    shown = []
    for o, d in where[:_SHOWN].tolist():
        place = table.place(o, d)
        shown.append(f"{table.origins[o]} → {table.destinations[d]}" + (f" ({place})" if place else ""))
    return f"{len(where)} pairs: {', '.join(shown)}" + (", …" if len(where) > _SHOWN else "")
