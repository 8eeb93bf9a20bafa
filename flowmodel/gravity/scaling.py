"""Iterative proportional fitting with over-relaxation: factors x and y with which x_o S_oj y_j has given sums.

Each factor in turn is multiplied by a power of the ratio of given to present sums: 1 is the plain method (Deming and
Stephan 1940; Sinkhorn and Knopp 1967), more than 1 takes fewer rounds near the solution (Thibault et al. 2021,
Algorithms 14(5), 143). The callers are `gravity.ipf`, for tables of two bands, and `interaction.search.potentials`,
for doubly constrained flows.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


class Scaling(NamedTuple):
    """State of the loop: factors of rows and of columns (an array, or a pytree of several), and its progress.

    `error` is the largest log error of a sum in the last round, `before` that of the round before it, and `power` the
    power of the last round.
    """

    rows: Float[Array, " row"]
    columns: Any
    error: Float[Array, ""]
    before: Float[Array, ""]
    power: Float[Array, ""]
    done: Int[Array, ""]


@dataclasses.dataclass(frozen=True)
class Rules:
    """Functions that determine the iteration.

    Attributes:
        power: the power of the next round, from the state.
        raised: a ratio to a power.
        ratio: given over present sums.
        error: largest log error of some sums, from their ratios and the given sums.
        going: whether to do another round, from the state.
    """

    power: Callable[[Scaling], Array]
    raised: Callable[[Array, Array], Array]
    ratio: Callable[[Array, Array], Array]
    error: Callable[[Array, Array], Array]
    going: Callable[[Scaling], Bool[Array, ""]]


def start(rows: Float[Array, " row"], columns: Any, power: Float[Array, ""]) -> Scaling:
    """Factors of one for sums of these shapes; `power` is that of the round before the first."""
    far, ones = jnp.asarray(jnp.inf, rows.dtype), jax.tree.map(jnp.ones_like, columns)
    return Scaling(jnp.ones_like(rows), ones, far, far, power.astype(rows.dtype), jnp.zeros((), int))


def fitted(
    begin: Scaling,
    rows: Float[Array, " row"],
    columns: Any,
    over_columns: Callable[[Any], Float[Array, " row"]],
    over_rows: Callable[[Float[Array, " row"]], Any],
    rules: Rules,
) -> Scaling:
    """Factors with which the table has the sums `rows` and `columns` (an array, or a pytree of several).

    `begin` is from `start`; `over_columns` gives Σ_j S_oj y_j of every row from factors of columns, `over_rows`
    Σ_o x_o S_oj of every column from factors of rows.
    """

    def around(now: Scaling) -> Scaling:
        power = rules.power(now)
        row = rules.ratio(rows, now.rows * over_columns(now.columns))
        x = now.rows * rules.raised(row, power)
        column = jax.tree.map(lambda w, y, s: rules.ratio(w, y * s), columns, now.columns, over_rows(x))
        y = jax.tree.map(lambda y, ratio: y * rules.raised(ratio, power), now.columns, column)
        errors = jax.tree.leaves(jax.tree.map(rules.error, (row, column), (rows, columns)))
        return Scaling(x, y, jnp.max(jnp.stack(errors)), now.error, power, now.done + 1)

    end: Scaling = jax.lax.while_loop(rules.going, around, begin)
    return end
