"""Fetches the four raw files of China's counties: polygons, two censuses, and the history of the codes."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import tyro

from flowmodel.runs.command import Out, cli
from geo.fetch import STALL_S, RawFile, fetch

From = Annotated[str | None, tyro.conf.arg(name="from", metavar="DIR|URL", help_behavior_hint="")]
Seconds = Annotated[float, tyro.conf.arg(metavar="SECONDS")]

_CENSUS = ("leiii/census", "0ba0f1efae092f4aa6569ef38e53b3bb4d2f0087")
FILES = (
    RawFile(
        "mapchina_china.rda",
        2_551_340,
        "5ac3795894d61fe9c01060c5a0f58f4076d3e53c48a441e0f48d54acd3f687be",
        *("xmc811/mapchina", "053136c1c9c01742681bf9224ecad4d8c0bf9df0", "data/china.rda"),
        "GPL-3, from OpenStreetMap (ODbL)",
    ),
    RawFile(
        "census_county_2010_v1.xlsx",
        3_831_184,
        "fccd3f094d1c8b7e404c8453add123826c53bc44cb85c65f6406d8e61f3f5d0b",
        *(*_CENSUS, "data/census/census_county_2010_v1.xlsx"),
        "MIT",
    ),
    RawFile(
        "census_county_2020_v1.xlsx",
        3_428_160,
        "04d37df90d4e358c13aac85a76051caab12afa84eca8a3b4f58cf2227ce69f43",
        *(*_CENSUS, "data/census/census_county_2020_v1.xlsx"),
        "MIT",
    ),
    RawFile(
        "areacodes_1980_2024.csv",
        471_011,
        "e3b69e8e13fcb3151b5cd6a03674f89e043f301f308dcb67283533f1a8239794",
        *("yescallop/areacodes", "eed219a0678d36bacaa717f62443b10e869f0291", "result.csv"),
        "CC0",
    ),
)
NEXT = "python scripts/build_zones.py configs/china_raw.toml"


def fetch_china(from_: From = None, out: Out = None, timeout: Seconds = STALL_S) -> None:
    """Fetches the four raw files of China's counties from their public origins, each checked by its SHA-256.

    A file that is there and right is left alone; a download that was cut off goes on where it stopped.

    Args:
        from_: a folder, or the address of a mirror, with files of the same names; the public origins if not given.
        out: the folder to put them in; ${FLOWMODEL_DATA}/china/raw if not given (without the variable: data/china/raw).
        timeout: the longest silence of a server.
    """
    from geo.config import data_folder

    usual = data_folder() / "china" / "raw"
    folder = out or usual
    _check(folder, timeout)
    with _progress() as progress:
        found = fetch(FILES, folder, _source(from_), stall_s=timeout, tell=_tell, progress=progress)
        for file, how in found:
            place = f"github.com/{file.repository} {file.path} at {file.commit[:12]}"
            print(f"{file.name}  {file.size:,} bytes  {how}  {file.licence}  {place}", flush=True)
    if folder.resolve() != usual.resolve():
        print(f"the files are in {folder}; configurations look in ${{FLOWMODEL_DATA}}/china/raw, here {usual}")
    print(f"next: {NEXT}")


def _check(folder: Path, timeout: float) -> None:
    """Refuses a folder that is none and a time that is none.

    Raises:
        ConfigError: E-OUT or E-FETCH-TIMEOUT.
    """
    from flowmodel.errors import ConfigError

    if folder.exists() and not folder.is_dir():
        raise ConfigError("E-OUT", f"{folder} is no folder", "give --out a folder")
    if not (math.isfinite(timeout) and timeout > 0):
        raise ConfigError("E-FETCH-TIMEOUT", f"--timeout {timeout:g} is no waiting time", "give seconds above 0")


def _source(text: str | None) -> Path | str | None:
    """A folder or an address.

    Raises:
        ConfigError: E-FETCH-FROM, it is neither.
    """
    from flowmodel.errors import ConfigError

    if text is None or text.startswith(("https://", "http://")):
        return text
    if not Path(text).is_dir():
        raise ConfigError("E-FETCH-FROM", f"{text!r} is no folder and no http(s) address", "name one that exists")
    return Path(text)


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr)


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str, int], None]]:
    """A bar for each file that is downloaded; silent when the output is no terminal."""
    if not sys.stderr.isatty():
        yield lambda name, done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description:26}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks = {file.name: bars.add_task(file.name, total=file.size, visible=False) for file in FILES}
        yield lambda name, done: bars.update(tasks[name], completed=done, visible=True)


if __name__ == "__main__":
    cli(fetch_china)
