"""From `[model] law` of a configuration to a decay law: one of `decay.LAWS`, or the function of a user."""

import functools
import importlib.util
import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from flowmodel.config import LawChoice, OwnLaw
from flowmodel.errors import ConfigError, FlowsError
from flowmodel.gravity import decay
from flowmodel.gravity.decay import Law
from flowmodel.parameters.registry import Parameter


def chosen(law: LawChoice) -> Law:
    """The decay law that a configuration names.

    Raises:
        ConfigError: E-LAW-NAME, no law of distance has this name; E-LAW-FILE, a user's law is missing or cannot be
            traced.
        FlowsError: E-LAW-START, a parameter of a user's law has no default.
    """
    if isinstance(law, str):
        check_name(law, decay.LAWS, "; laws that need opportunities are for flow tables only")
        return decay.LAWS[law]
    return own(law)


def check_name(name: str, known: Iterable[str], more: str = "") -> None:
    """Refuses a name that no law has.

    Raises:
        ConfigError: E-LAW-NAME.
    """
    if name not in known:
        fix = f"choose among {', '.join(known)}, or give a function of your own{more}"
        raise ConfigError("E-LAW-NAME", f"[model] law = {name!r}", fix)


def own(law: OwnLaw | Callable[..., Any]) -> Law:
    """The law of a user's function, from its file or from memory.

    Raises:
        ConfigError: E-LAW-FILE, the file or the function is missing, or it cannot be traced and differentiated.
        FlowsError: E-LAW-START, a parameter has no default.
    """
    if not isinstance(law, OwnLaw):
        return _traced(law, f"{law.__name__} in memory")
    file = Path(law.file)
    if not file.is_file():
        fix = "name the file of your law, relative to the configuration"
        raise ConfigError("E-LAW-FILE", f"no Python file {file}", fix)
    return _of_file(file, law.function, file.stat().st_mtime_ns)


@functools.lru_cache
def _of_file(file: Path, name: str, _changed: int) -> Law:
    """The law in a file; read once until the file changes, so that programs compiled for it serve again."""
    spec = importlib.util.spec_from_file_location(f"own_law_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ConfigError("E-LAW-FILE", f"{file.name} is no Python file", "give it the ending .py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError("E-LAW-FILE", f"{file.name}: {type(error).__name__}: {error}", "correct your law") from error
    function = getattr(module, name, None)
    if not callable(function):
        raise ConfigError("E-LAW-FILE", f"{file.name} has no function {name}", "define it there")
    return _traced(function, f"{name} in {file.name}")


@functools.lru_cache
def _traced(function: Callable[..., Any], where: str) -> Law:
    law = of_function(function, where.partition(" ")[0])
    try:
        _trace(law)
    except Exception as error:
        fix = "write it for jax.numpy, without `if` on values: it is traced and differentiated"
        first = str(error).splitlines()[0]
        raise ConfigError("E-LAW-FILE", f"{where}: {type(error).__name__}: {first}", fix) from error
    return law


def of_function(function: Callable[..., Array], name: str) -> Law:
    """The law of a user's function: its first argument is the distance in km, the others are parameters with starts.

    Args:
        function: of one pair, traceable by JAX: `def decay(distance_km, scale=100.0): return -distance_km / scale`. It
            returns the LOGARITHM of the factor, up to a constant.
        name: for the report.

    Raises:
        FlowsError: E-LAW-START, a parameter has no starting value.
    """
    _, *others = inspect.signature(function).parameters.values()
    without = [one.name for one in others if not isinstance(one.default, int | float)]
    if without:
        fix = "give each a default: the search begins there"
        raise FlowsError("E-LAW-START", f"law {name}: no starting value of {', '.join(without)}", fix)
    return Law(name, function=function, own=tuple(_parameter(name, one.name, float(one.default)) for one in others))


def _parameter(law: str, name: str, start: float) -> Parameter:
    """A parameter of a user's law: about its start, and of the same sign where that is above zero."""
    source = f"parameter of the law {law}, about its default"
    if start > 0:
        return Parameter(
            f"law:{name}", name, "of the law", start / 20, start * 20, start, 1.0, source, prior_scale="log"
        )
    width = max(abs(start), 1.0)
    return Parameter(f"law:{name}", name, "of the law", start - 10 * width, start + 10 * width, start, width, source)


def _trace(law: Law) -> None:
    """Traces the function and its derivative at its starts, for a table of one pair."""
    assert law.function is not None
    function, km = law.function, jnp.full((1, 1), 100.0)
    jax.jit(jax.jacfwd(lambda values: function(km, *values)))(jnp.asarray([one.prior_mean for one in law.own], float))
