"""How a program is compiled at the few places where one is."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import jax

_WIDE = {"xla_cpu_prefer_vector_width": 512}
"""XLA's CPU backend uses half of an AVX-512 register by default. A tile of pairs takes 0.7 times as long with all of
it; processors without them split what they are given."""

P = ParamSpec("P")
R = TypeVar("R")


def program(function: Callable[P, R], **options: Any) -> Callable[P, R]:
    """`jax.jit`, compiled as is best for the device that computes, which is asked at the first call and not before.

    Args:
        function: what is compiled. Called inside another program it becomes a part of that one.
        options: of `jax.jit`.
    """
    part = jax.jit(function, **options)

    @functools.cache
    def compiled() -> Any:
        return jax.jit(function, compiler_options=compiler_options(), **options)

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        within = any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((args, kwargs)))
        result: R = (part if within else compiled())(*args, **kwargs)
        return result

    return run


@functools.cache
def compiler_options() -> dict[str, Any]:
    """What this device's compiler is told; nothing where it does not know the option."""
    if jax.default_backend() != "cpu":
        return {}
    try:
        jax.jit(lambda x: x, compiler_options=_WIDE).lower(0.0).compile()
    except jax.errors.JaxRuntimeError:
        return {}
    return dict(_WIDE)
