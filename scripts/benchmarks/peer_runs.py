"""The types of `peer_worker`: a case made for a package, and its runs by name."""

from collections.abc import Callable
from typing import Any, NamedTuple

Answer = dict[str, Any]


class Run(NamedTuple):
    """A call that is timed, and the function that makes its answer from the outcome."""

    call: Callable[[], Any]
    tell: Callable[[Any], Answer]


class Prepared(NamedTuple):
    """The package, its version and function in words, and the runs by name."""

    peer: str
    runs: dict[str, Run]
