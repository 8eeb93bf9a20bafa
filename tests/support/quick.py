"""Little worlds spend their time in the compiler: how to tell it not to try hard."""

import os

ENVIRONMENT = os.environ | {"XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"}
"""Of a command that is run on a few zones."""
