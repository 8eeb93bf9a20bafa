"""The raw files of a harmonised source: all are read, so that the errors of all come at once."""

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from geo.config import HarmonisedConfig
from geo.errors import DataError, Issue, attempt
from geo.sources import yearbooks
from geo.sources.yearbooks import CensusTable

from . import census_map, crosswalk, decisions, history
from .census_map import CensusMap
from .crosswalk import Crosswalk
from .decisions import Decision
from .history import CodeHistory


@dataclass(frozen=True)
class Files:
    """Everything that was read.

    Attributes:
        map: The map of census units.
        books: The year-books by year.
        history: Changes of codes.
        decisions: What no rule could decide, with its reasons; none where a crosswalk was given.
        crosswalk: The crosswalk that the config names, None where the rules are to make it.
        given_file: Its base name.
    """

    map: CensusMap
    books: dict[int, CensusTable]
    history: CodeHistory
    decisions: tuple[Decision, ...]
    crosswalk: Crosswalk | None
    given_file: str | None

    @property
    def warnings(self) -> tuple[Issue, ...]:
        """Warnings about map and year-books."""
        return (*self.map.issues, *(issue for book in self.books.values() for issue in book.issues))

    def unit_names(self, vintage: int) -> dict[int, dict[str, str]]:
        """Name the units of every census, and of the map under the year of its borders."""
        mapped = dict.fromkeys([vintage, *self.map.residents.columns.astype(int)], dict(self.map.units["name"]))
        return mapped | {year: dict(book.places["name"]) for year, book in self.books.items()}


def read(config: HarmonisedConfig) -> Files:
    """Read every file of a config.

    Raises:
        DataError: With the errors of all files.
    """
    units_map, issues = attempt(lambda: census_map.read(config.polygons))
    codes, found = attempt(lambda: history.read(config.harmonise.codes))
    issues += found
    decided: tuple[Decision, ...] | None = ()
    walk: Crosswalk | None = None
    if (given := config.harmonise.crosswalk) is not None:
        walk, found = attempt(lambda: crosswalk.read(given, config.polygons.vintage))
        issues += found
    elif (file := config.harmonise.decisions) is not None:
        decided, found = attempt(lambda: decisions.read(file))
        issues += found
    books: dict[int, CensusTable] = {}
    for year, book in sorted(config.census.items()):
        table, found = attempt(partial(yearbooks.read, book, year))
        issues += found
        if table is not None:
            books[year] = table
    if units_map is not None and codes is not None and given is None:
        issues += history.check(codes, units_map.units.index)
    if units_map is None or codes is None or decided is None or any(issue.severity == "error" for issue in issues):
        raise DataError(issues)
    return Files(units_map, books, codes, decided, walk, given.name if given is not None else None)


def rules(config: HarmonisedConfig, files: Files) -> tuple[str, ...]:
    """Give the sentences about the declared rules that changed something in the files."""
    sentences = (*files.map.rules, *(rule for book in files.books.values() for rule in book.rules))
    if files.crosswalk is None:
        return sentences
    unread = config.harmonise.decisions
    rest = "" if unread is None else f", and {unread.name} was not read"
    return (*sentences, f"the zones are those of {files.given_file}; the rules were not applied{rest}")


def inputs(config: HarmonisedConfig, files: Files) -> tuple[dict[str, object], ...]:
    """List the files that were read, as in `Source.inputs`; decisions are not read beside a crosswalk."""
    options = config.harmonise
    read: list[tuple[Path, int | None, str | None]] = [
        (config.polygons.file, files.map.records, files.map.crs),
        *((book.file, len(files.books[year].places), None) for year, book in sorted(config.census.items())),
        (options.codes, len(files.history.names), None),
    ]
    decided = options.decisions if files.crosswalk is None else options.crosswalk
    extra = [decided, *(book.corrections for book in config.census.values())]
    read += [(file, None, None) for file in dict.fromkeys(extra) if file is not None]
    # Of a year-book the hash is that of the bytes that were read.
    parsed = {book.file: files.books[year].sha256 for year, book in config.census.items()}
    return tuple(
        {
            "file": file.name,
            "sha256": parsed.get(file) or hashlib.sha256(file.read_bytes()).hexdigest(),
            "rows": rows,
            "crs": name,
        }
        for file, rows, name in read
    )
