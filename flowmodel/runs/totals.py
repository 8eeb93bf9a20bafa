"""From a configuration to a prior and its totals, and from the flows found to what is told of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from flowmodel import config as configuration
from flowmodel.config import BalanceRun
from flowmodel.interaction.totals import Names, Totals
from flowmodel.runs import flow_files
from flowmodel.runs.folder import RunFolder
from geo.config import BalanceTables
from geo.config import balance as sections

if TYPE_CHECKING:
    from geo.flows import Prior


@dataclasses.dataclass(frozen=True)
class Asked(flow_files.Asked[BalanceRun]):
    """A configuration with its files, and where it came from."""

    tables: BalanceTables

    @property
    def files(self) -> list[Path]:
        """The files that the run reads."""
        block = self.tables.totals.block
        return [self.tables.flows.file, self.tables.totals.file, *([block.file] if block else [])]


def request(file: Path, settings: tuple[str, ...], out: Path | None) -> Asked:
    """Reads a configuration file with its `--set` overrides.

    Raises:
        ConfigError: one message with everything that is wrong in it.
    """
    given, base = configuration.overridden(file, settings), file.resolve().parent
    of_files = {key: given[key] for key in ("flows", "totals") if isinstance(given.get(key), dict)}
    config, tables = flow_files.typed(
        str(file),
        (lambda: BalanceRun.model_validate(given), BalanceRun),
        (lambda: sections.parse(of_files, base), BalanceTables),
    )
    return Asked(config, base, out or Path("runs") / config.run.name, str(file), tables)


def read(asked: Asked, folder: RunFolder) -> Prior:
    """The prior and the totals; every problem goes to `issues.csv`.

    Raises:
        DataError: the files are wrong.
    """
    from geo import flows

    return flow_files.read(lambda: flows.read_prior(asked.tables), folder)


def totals(prior: Prior) -> Totals:
    """What is asked of the flows, with the labels by which messages name it."""
    names, blocks = Names(prior.zones, prior.zones), prior.blocks
    if blocks is None:
        return Totals(**prior.totals, names=names)
    names = dataclasses.replace(names, origin_group=blocks.groups, destination_group=blocks.groups)
    return Totals(
        **prior.totals,
        block=blocks.flow,
        origin_group=blocks.group,
        destination_group=blocks.group,
        names=names,
    )
