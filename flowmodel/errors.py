"""The one family of errors the model raises: each has a code, says what to do, and stands for an exit status."""

from __future__ import annotations


class FlowmodelError(Exception):
    """Base of every error raised on purpose; the message reads "CODE what happened; fix: what to do"."""

    exit_status = 1

    def __init__(self, code: str, what: str, fix: str) -> None:
        """Remembers `code` (such as "E-CONFIG-KEY") and words the message from `what` and `fix`."""
        super().__init__(f"{code} {what}; fix: {fix}")
        self.code = code


class ConfigError(FlowmodelError):
    """The configuration asks for something that does not exist or cannot be."""

    exit_status = 2


class ZonesError(FlowmodelError):
    """A labelled file (`zones.nc`, `results.nc`) does not hold what it must."""

    exit_status = 3


class FlowsError(FlowmodelError):
    """A flow table, or what is asked of it, cannot be."""

    exit_status = 3


class NumericError(FlowmodelError):
    """A number stopped being finite, or an account did not close."""

    exit_status = 4


class NotConvergedError(FlowmodelError):
    """The fit ended without converging, or without identifying what it was required to."""

    exit_status = 5


class ResourceError(FlowmodelError):
    """The machine lacks what was asked for: an accelerator, memory, disk space."""

    exit_status = 6


class LockedError(FlowmodelError):
    """Another process is writing to the same run folder."""

    exit_status = 7
