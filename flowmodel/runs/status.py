"""Exit statuses of runs that end; errors carry their own (`flowmodel.errors`)."""

VERDICTS = {"converged": 0, "nonfinite": 4, "diverged": 5, "max_steps": 5, "not_identified": 5}
"""The exit status by the verdict of a fit."""
