"""The generator of the documentation lies beside its pages; tests import it from there."""

import sys

from checkout import DOCS

sys.path.insert(0, str(DOCS))
