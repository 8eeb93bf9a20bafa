"""What `[zones]` of a config may say. Importing this loads pydantic and nothing heavier."""

from .fields import data_folder
from .polygons import PolygonsConfig
from .sections import BuiltinConfig, PanelConfig, parse
from .table import AreaConfig, CovariateConfig, PopulationConfig, RateConfig, RatesConfig, TableConfig

__all__ = [
    "AreaConfig",
    "BuiltinConfig",
    "CovariateConfig",
    "PanelConfig",
    "PolygonsConfig",
    "PopulationConfig",
    "RateConfig",
    "RatesConfig",
    "TableConfig",
    "data_folder",
    "parse",
]
