"""Fetches the four raw files of China's counties: polygons, two censuses, and the history of the codes."""

from typing import Annotated

import tyro

from flowmodel.runs.command import Out, cli

From = Annotated[str | None, tyro.conf.arg(name="from", metavar="DIR|URL", help_behavior_hint="")]
Seconds = Annotated[float, tyro.conf.arg(metavar="SECONDS")]


def fetch_china(from_: From = None, out: Out = None, timeout: Seconds = 30.0) -> None:
    """Fetches the four raw files of China's counties from their public origins, each checked by its SHA-256.

    A file that is there and right is left alone; a file of the same name with other content is moved to NAME.wrong.

    Args:
        from_: a folder, or the address of a mirror, with files of the same names; the public origins if not given.
        out: the folder to put them in; ${FLOWMODEL_DATA}/china/raw if not given (without the variable: data/china/raw).
        timeout: the longest time without any bytes from a server.
    """
    from geo.fetch import china

    china.fetch_china(from_, out, timeout, say=lambda line: print(line, flush=True))


if __name__ == "__main__":
    cli(fetch_china)
