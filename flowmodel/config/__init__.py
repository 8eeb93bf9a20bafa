"""The typed configuration of a run, as read from TOML.

Sections: `[run]`, `[model]`, `[parameters]`, `[truth]`, `[fit]`, `[runtime]`. What is under `[zones]` concerns maps and
is typed by the other package; here it stays a plain table. `scripts/evaluate.py` reads a file of its own:
`[run]`, `[evaluate]`; so do `scripts/fit_flows.py` (`flows`), `scripts/balance_flows.py` (`balance`) and
`scripts/simulate.py` with cells of a raster (`grid`).
"""

from .balance import BalanceRun as BalanceRun
from .balance import Solve as Solve
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
from .reading import as_toml as as_toml
from .reading import coded as coded
from .reading import override as override
from .reading import read_toml as read_toml
from .reading import typed as typed
from .reading import validation_text as validation_text
from .sections import Config as Config
from .sections import Fit as Fit
from .sections import Model as Model
from .sections import Natural as Natural
from .sections import Override as Override
from .sections import Run as Run
from .sections import Runtime as Runtime
from .stock import Children as Children
from .stock import Published as Published
from .stock import Stock as Stock
