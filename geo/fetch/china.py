"""The public raw files of China's counties, and the command that fetches them."""

import contextlib
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from geo.config import data_folder
from geo.errors import DataError, error

from .obtain import STALL_S, RawFile, fetch

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


class ArgumentError(DataError):
    """An argument of the command is wrong."""

    exit_status = 2

    def __init__(self, code: str, value: str, rule: str, fix: str) -> None:
        """Keep the problem as one issue."""
        super().__init__([error(code, value, rule=rule, fix=fix)])

    def __str__(self) -> str:
        """Say the problem in one line."""
        (issue,) = self.issues
        return f"{issue.code} {issue.file} {issue.rule}; fix: {issue.fix}"


def fetch_china(
    source: str | None = None,
    folder: Path | None = None,
    stall_s: float = STALL_S,
    *,
    files: tuple[RawFile, ...] = FILES,
    say: Callable[[str], None] = lambda line: None,
) -> Path:
    """Fetch the raw files of China's counties, each checked by its SHA-256.

    Args:
        source: A folder, or the address of a mirror, with files of the same names; None for the public origins.
        folder: Where to; ${FLOWMODEL_DATA}/china/raw if not given.
        stall_s: Longest time without any bytes from a server, seconds.
        files: What is fetched.
        say: Gets a line for each file, and what to do next.

    Returns:
        The folder.

    Raises:
        ArgumentError: E-FETCH-FROM, E-FETCH-TIMEOUT or E-OUT.
        FetchError: A file could not be fetched.
    """
    usual = data_folder() / "china" / "raw"
    chosen = folder or usual
    if chosen.exists() and not chosen.is_dir():
        raise ArgumentError("E-OUT", str(chosen), "is not a folder", "give --out a folder")
    if not (math.isfinite(stall_s) and stall_s > 0):
        raise ArgumentError(
            "E-FETCH-TIMEOUT", f"--timeout {stall_s:g}", "is not a waiting time", "give seconds above 0"
        )
    place = _source(source)
    with _progress(files) as progress:
        for file, how in fetch(files, chosen, place, stall_s=stall_s, report=_moved, progress=progress):
            origin = f"github.com/{file.repository} {file.path} at {file.commit[:12]}"
            say(f"{file.name}  {file.size:,} bytes  {how}  {file.licence}  {origin}")
    if chosen.resolve() != usual.resolve():
        say(f"the files are in {chosen}; configurations look in ${{FLOWMODEL_DATA}}/china/raw, here {usual}")
    say("next: python scripts/build_zones.py configs/china_raw.toml")
    return chosen


def _source(text: str | None) -> Path | str | None:
    """A folder or an address."""
    if text is None or text.startswith(("https://", "http://")):
        return text
    if not Path(text).is_dir():
        rule = "is neither a folder nor an http(s) address"
        raise ArgumentError("E-FETCH-FROM", repr(text), rule, "name one that exists")
    return Path(text)


def _moved(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


@contextlib.contextmanager
def _progress(files: tuple[RawFile, ...]) -> Iterator[Callable[[str, int], None]]:
    """A bar for each file that is downloaded; silent when the output is not a terminal."""
    if not sys.stderr.isatty():
        yield lambda name, done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description:26}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks = {file.name: bars.add_task(file.name, total=file.size, visible=False) for file in files}
        yield lambda name, done: bars.update(tasks[name], completed=done, visible=True)
