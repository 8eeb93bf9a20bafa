"""Keys of `[zones]`, `[flows]` and `[grid]` in configurations. Importing this loads pydantic and nothing heavier."""

from .balance import BalanceTables, BlocksConfig, PriorConfig, TotalsConfig
from .fields import OF_MAP, data_folder
from .flows import CensoredConfig, DistanceMatrixConfig, FlowsConfig, FlowTables, FlowZonesConfig
from .grid import GridConfig, GridCovariateConfig, GridPopulationConfig
from .harmonised import HarmoniseConfig, HarmonisedConfig, MapConfig, OfQuantity, YearbookConfig
from .polygons import PolygonsConfig
from .raster import BandConfig, PositionConfig, RasterConfig
from .sections import BuiltinConfig, PanelConfig, parse
from .table import (
    AreaConfig,
    CovariateConfig,
    FileConfig,
    PopulationConfig,
    PublishedConfig,
    RateConfig,
    RatesConfig,
    TableConfig,
)

__all__ = [
    "OF_MAP",
    "AreaConfig",
    "BandConfig",
    "BalanceTables",
    "BlocksConfig",
    "BuiltinConfig",
    "CensoredConfig",
    "CovariateConfig",
    "DistanceMatrixConfig",
    "FileConfig",
    "FlowTables",
    "FlowZonesConfig",
    "FlowsConfig",
    "GridConfig",
    "GridCovariateConfig",
    "GridPopulationConfig",
    "HarmoniseConfig",
    "HarmonisedConfig",
    "MapConfig",
    "OfQuantity",
    "PanelConfig",
    "PolygonsConfig",
    "PopulationConfig",
    "PositionConfig",
    "PriorConfig",
    "PublishedConfig",
    "RasterConfig",
    "RateConfig",
    "RatesConfig",
    "TableConfig",
    "TotalsConfig",
    "YearbookConfig",
    "data_folder",
    "parse",
]
