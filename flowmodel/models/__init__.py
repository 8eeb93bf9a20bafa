"""The models that a configuration can ask for, each an implementation of one interface (`models.model.Model`)."""

from pathlib import Path
from typing import Any

from flowmodel.config import Config
from flowmodel.models.model import Model
from flowmodel.models.registered import Registered
from flowmodel.models.residents import Residents
from flowmodel.zones.table import ZoneTable


def of_counties(table: ZoneTable, config: Config, base: Path, dtype: Any) -> Model:
    """The model that `[model]` asks for: with registration where there is `[model.stock]`, else of residents alone.

    Raises:
        ConfigError: a parameter override is wrong.
        ResourceError: the pairs do not fit in memory in the storage asked for.
        ZonesError: the table lacks a year, a covariate or a count that the configuration names.
    """
    kind = Residents if config.model.stock is None else Registered
    return kind.build(table, config, base, dtype)
