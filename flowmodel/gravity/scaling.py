"""Iterative proportional fitting, over-relaxed: the one loop that gives a table x_o S_oj y_j its row and column sums.

Each factor in turn is multiplied by what is wanted over what is found, to a power: 1 is the plain method (Deming and
Stephan 1940; Sinkhorn and Knopp 1967), more than 1 takes fewer rounds near the solution (Thibault et al. 2021,
Algorithms 14(5), 143). How S is stored, when the power rises and when to stop are up to the caller: `gravity.ipf` for
tables of two bands, `interaction.search.potentials` for doubly constrained flows.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


class Scaling(NamedTuple):
    """State of the loop: factors of rows, and of columns (several where rows have several sums each), and its progress.

    `error` is the largest log error of a sum that the last round found, `before` that of the round before it, and
    `power` the power of the last round.
    """

    rows: Float[Array, " row"]
    columns: Any
    error: Float[Array, ""]
    before: Float[Array, ""]
    power: Float[Array, ""]
    done: Int[Array, ""]


@dataclasses.dataclass(frozen=True)
class Rules:
    """How a fitting goes.

    Attributes:
        power: of the next round, from the state.
        raised: a ratio to a power.
        ratio: wanted over found.
        error: largest log error of some sums, from their ratios and what is wanted.
        going: whether another round is worth it, from the state.
    """

    power: Callable[[Scaling], Array]
    raised: Callable[[Array, Array], Array]
    ratio: Callable[[Array, Array], Array]
    error: Callable[[Array, Array], Array]
    going: Callable[[Scaling], Bool[Array, ""]]


def start(rows: Float[Array, " row"], columns: Any, power: Float[Array, ""]) -> Scaling:
    """Factors of one for sums of these shapes, with the power that a round before the first would have had."""
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
    """Factors that bring the sums of the table to `rows` and `columns`, as far as `rules` go on.

    Args:
        begin: of `start`.
        rows: row sums wanted.
        columns: column sums wanted: an array, or a pytree of several.
        over_columns: Σ_j S_oj y_j of every row, from factors of columns.
        over_rows: Σ_o x_o S_oj of every column, from factors of rows.
        rules: how it goes.
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
