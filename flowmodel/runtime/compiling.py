"""Compilation of functions by JAX with options for the device."""

import functools
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

import jax
from jax.stages import Compiled

_WIDE = {"xla_cpu_prefer_vector_width": 512}
"""Lets XLA's CPU backend use the full width of AVX-512 registers, with which a tile of pairs takes 0.7 times as long.
Processors without them are not affected."""

P = ParamSpec("P")
R = TypeVar("R")


class Program(Generic[P, R]):
    """A function that JAX compiles at its first call, or earlier by `compiled`."""

    def __init__(self, function: Callable[P, R], options: dict[str, Any]) -> None:
        """Wraps `function`; `options` are those of `jax.jit`. Nothing is compiled yet."""
        functools.update_wrapper(self, function)
        self._part = jax.jit(function, **options)
        self._whole = functools.cache(lambda: jax.jit(function, compiler_options=compiler_options(), **options))

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs the compiled function; inside another program it becomes a part of that one."""
        within = any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((args, kwargs)))
        result: R = (self._part if within else self._whole())(*args, **kwargs)
        return result

    def count(self) -> int:
        """Number of programs compiled so far, one for each combination of argument shapes and types."""
        compiled: Any = self._whole()
        return int(compiled._cache_size())

    def compiled(self, *args: P.args, **kwargs: P.kwargs) -> Compiled:
        """The program for arguments of these shapes."""
        return self._whole().lower(*args, **kwargs).compile()


def program(function: Callable[P, R], **options: Any) -> Program[P, R]:
    """Like `jax.jit` with its `options`, and with compiler options for the device, looked up at the first call.

    Called inside another program, the function becomes a part of that one.
    """
    return Program(function, options)


@functools.cache
def compiler_options() -> dict[str, Any]:
    """Compiler options for the device; empty if its compiler does not know them."""
    if jax.default_backend() != "cpu":
        return {}
    try:
        jax.jit(lambda x: x, compiler_options=_WIDE).lower(0.0).compile()
    except jax.errors.JaxRuntimeError:
        return {}
    return dict(_WIDE)
