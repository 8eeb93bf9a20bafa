"""How a program is compiled at the few places where one is."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

import jax
from jax.stages import Compiled

_WIDE = {"xla_cpu_prefer_vector_width": 512}
"""XLA's CPU backend uses half of an AVX-512 register by default. A tile of pairs takes 0.7 times as long with all of
it; processors without them split what they are given."""

P = ParamSpec("P")
R = TypeVar("R")


class Program(Generic[P, R]):
    """A function that is compiled at its first call, and may be compiled before it for what it will take."""

    def __init__(self, function: Callable[P, R], options: dict[str, Any]) -> None:
        """Nothing is compiled yet."""
        functools.update_wrapper(self, function)
        self._part = jax.jit(function, **options)
        self._whole = functools.cache(lambda: jax.jit(function, compiler_options=compiler_options(), **options))

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs it; inside another program it becomes a part of that one."""
        within = any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((args, kwargs)))
        result: R = (self._part if within else self._whole())(*args, **kwargs)
        return result

    def count(self) -> int:
        """How many programs there are by now: one for each kind of arguments."""
        compiled: Any = self._whole()
        return int(compiled._cache_size())

    def compiled(self, *args: P.args, **kwargs: P.kwargs) -> Compiled:
        """The program for arguments of these shapes."""
        return self._whole().lower(*args, **kwargs).compile()


def program(function: Callable[P, R], **options: Any) -> Program[P, R]:
    """`jax.jit`, compiled as is best for the device that computes, which is asked at the first call and not before.

    Args:
        function: what is compiled. Called inside another program it becomes a part of that one.
        options: of `jax.jit`.
    """
    return Program(function, options)


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
