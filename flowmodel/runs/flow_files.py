"""What the commands of flow tables share: how they read a configuration and its files, and what they leave of a run."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from flowmodel import config as configuration
from flowmodel.errors import ConfigError
from flowmodel.runs.folder import RunFolder

if TYPE_CHECKING:
    import pyarrow as pa
    from pydantic import BaseModel

    from geo.errors import Issue

Run = TypeVar("Run", bound=configuration.Section)


class _Data(Protocol):
    """What a reading gives, with its warnings."""

    @property
    def issues(self) -> tuple[Issue, ...]: ...


Data = TypeVar("Data", bound=_Data)


@dataclasses.dataclass(frozen=True)
class Asked(Generic[Run]):
    """A configuration with where it came from."""

    config: Run
    base: Path
    out: Path
    source: str


def typed(source: str, *readings: tuple[Callable[[], Any], type[BaseModel]]) -> list[Any]:
    """Parts of a configuration, typed; what is wrong with all of them is one message.

    Args:
        source: names the file in the message.
        readings: how each part is read, and what is expected of it.

    Raises:
        ConfigError: E-CONFIG-KEY.
    """
    from pydantic import ValidationError

    found, problems = [], []
    for reading, model in readings:
        try:
            found.append(reading())
        except ValidationError as error:
            problems.append(configuration.validation_text(error, model))
    if problems:
        raise ConfigError("E-CONFIG-KEY", f"{source}: {'; '.join(problems)}", "see docs/configs.md")
    return found


def read(reading: Callable[[], Data], folder: RunFolder) -> Data:
    """What `reading` gives; every problem goes to `issues.csv`, and what an earlier run left is removed.

    Raises:
        DataError: the files are wrong.
    """
    from flowmodel.runs.provenance import write_issues
    from geo.errors import DataError

    try:
        data = reading()
    except DataError as error:
        write_issues(folder, error.issues)
        raise
    folder.clear()
    write_issues(folder, data.issues)
    return data


def write_flows(folder: RunFolder, table: pa.Table, name: str) -> None:
    """Writes a table of pairs as Parquet."""
    import pyarrow.parquet as parquet

    folder.write(name, lambda path: parquet.write_table(table, path, compression="zstd"))


def write_provenance(asked: Asked[Any], folder: RunFolder, files: Iterable[Path]) -> None:
    """Writes the configuration with every default, and how the run was made, with the SHA-256 of what it read."""
    import tomli_w

    from flowmodel.runs import provenance

    tables = asked.config.model_dump(mode="json", exclude_none=True)
    folder.write_text("config.toml", tomli_w.dumps(tables))
    inputs = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    folder.write_json("provenance.json", provenance.provenance(asked.out, asked.config.run.seed, inputs))
