"""Writes the report of a finished run: one HTML page that needs nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from flowmodel.runs.folder import cli, finished_run, run_folder


def report(run: Annotated[Path, tyro.conf.Positional]) -> None:
    """Writes RUN/report.html and RUN/figures/*.png.

    Args:
        run: the folder of a finished run.
    """
    from geo.maps import report as page

    finished_run(run)
    with run_folder(run) as folder:
        page.write(folder.path, folder.file("report.html"))
        folder.log("reported")
    print(folder.file("report.html"))


if __name__ == "__main__":
    cli(report)
