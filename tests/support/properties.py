"""Properties over many inputs: how many cases, what an honest refusal looks like, and what became of them."""

import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from hypothesis import HealthCheck, Phase, settings

from geo.errors import DataError, Issue

Result = TypeVar("Result")

# The suite draws the same cases every time. To search further, give another number of cases than 1 times as many:
# PROPERTY_CASES=50 python -m pytest tests/property
_TIMES = int(os.environ.get("PROPERTY_CASES", "1"))
_CODE = re.compile(r"[EW](-[A-Z0-9]+)+")


def cases(number: int) -> settings:
    """So many cases, always the same ones; with PROPERTY_CASES so many times as many, drawn afresh."""
    return settings(
        max_examples=number * _TIMES,
        derandomize=_TIMES == 1,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much),
    )


class Tally:
    """What became of the cases: those that went through, and the codes of the others."""

    def __init__(self) -> None:
        self.built = 0
        self.codes: Counter[str] = Counter()

    def run(self, build: Callable[[], Result]) -> Result | None:
        """Give what a build gives; None where it stops with coded errors. Anything else is no honest answer."""
        try:
            result = build()
        except DataError as failure:
            self.codes.update(codes(failure))
            self.codes["refused"] += 1
            return None
        self.built += 1
        return result

    def check(self, number: int, share: float) -> None:
        """At least so many cases, of which at least this share went through and this share did not.

        The draws depend on which modules are loaded, so the share is well below what one run gives.
        """
        total = self.built + self.codes["refused"]
        assert total >= number
        assert self.built >= share * total, self.codes
        assert self.codes["refused"] >= share * total, (self.built, self.codes)


def codes(failure: DataError) -> set[str]:
    """The codes of the errors of an honest refusal: at least one, each complete, said without control characters."""
    complete(failure.issues)
    found = {issue.code for issue in failure.issues if issue.severity == "error"}
    assert found
    assert "\x1b" not in str(failure)
    return found


def complete(issues: Sequence[Issue]) -> None:
    """Every issue has a code, a file, a rule and a fix; the people it affects are a number of people, if known."""
    for issue in issues:
        assert _CODE.fullmatch(issue.code)
        assert issue.code[0] == issue.severity[0].upper()
        assert issue.file
        assert issue.rule
        assert issue.fix
        assert issue.people is None or 0 <= issue.people < float("inf")
        assert issue.line is None or issue.line >= 1
