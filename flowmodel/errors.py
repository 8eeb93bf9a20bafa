"""Errors of flowmodel: each has a code, a message with a remedy, and the exit status of a command that it ends."""


class FlowmodelError(Exception):
    """Base class of all errors of flowmodel; messages read "CODE what happened; fix: what to do"."""

    exit_status = 1

    def __init__(self, code: str, what: str, fix: str) -> None:
        """Stores `code` (such as "E-CONFIG-KEY") and composes the message from `what` and `fix`."""
        super().__init__(f"{code} {what}; fix: {fix}")
        self.code = code


class ConfigError(FlowmodelError):
    """The configuration is invalid or refers to something that does not exist."""

    exit_status = 2


class ZonesError(FlowmodelError):
    """A file such as `zones.nc` or `results.nc` lacks data or holds invalid data."""

    exit_status = 3


class FlowsError(FlowmodelError):
    """A flow table is invalid, or does not allow the model or the totals that are requested."""

    exit_status = 3


class NumericError(FlowmodelError):
    """A number is not finite, or an account does not balance."""

    exit_status = 4


class NotConvergedError(FlowmodelError):
    """A fit has not converged, or has not identified parameters that must be identified."""

    exit_status = 5


class ResourceError(FlowmodelError):
    """The machine lacks a resource: an accelerator, memory or disk space."""

    exit_status = 6


class LockedError(FlowmodelError):
    """Another process writes to the same run folder."""

    exit_status = 7
