"""Writes the report of a finished run: one HTML page that needs nothing else."""

from flowmodel.runs.command import Folder, cli


def report(run: Folder) -> None:
    """Writes RUN/report.html and RUN/figures/*.png.

    Args:
        run: the folder of a finished run.
    """
    import geo
    from flowmodel.runs.outputs import report

    report(run, maps=geo.Maps())


if __name__ == "__main__":
    cli(report)
