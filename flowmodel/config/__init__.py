"""Typed configurations, read from TOML files: one module for each kind of run, and `sections` for what they share.

Sections about files of maps and tables (`[zones]`, `[flows]`, `[totals]`, `[grid]`) are plain tables here; the package
`geo` checks them.
"""

from .balance import BalanceRun as BalanceRun
from .evaluate import Divide as Divide
from .evaluate import Evaluate as Evaluate
from .evaluate import Evaluation as Evaluation
from .evaluate import Pairs as Pairs
from .evaluate import Spatial as Spatial
from .evaluate import Temporal as Temporal
from .evaluate import Variant as Variant
from .fields import Section as Section
from .flows import FlowModel as FlowModel
from .flows import FlowsRun as FlowsRun
from .grid import GridRun as GridRun
from .law import LawChoice as LawChoice
from .law import OwnLaw as OwnLaw
from .problems import Problem as Problem
from .problems import config_error as config_error
from .problems import problems as problems
from .reading import as_toml as as_toml
from .reading import override as override
from .reading import read_toml as read_toml
from .reading import typed as typed
from .sections import Config as Config
from .sections import Configuration as Configuration
from .sections import Fit as Fit
from .sections import Model as Model
from .sections import Natural as Natural
from .sections import Override as Override
from .sections import Run as Run
from .sections import Runtime as Runtime
from .sections import Solve as Solve
from .stock import Children as Children
from .stock import Published as Published
from .stock import Stock as Stock
