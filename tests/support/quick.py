"""Programs of little worlds run for milliseconds and compile for seconds: options that make the compiler quick."""

import os

COMPILER = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
}
"""Options of XLA. Together they take half of the processor time that the first two alone take."""

ENVIRONMENT = os.environ | {"XLA_FLAGS": " ".join(f"--{name}={str(value).lower()}" for name, value in COMPILER.items())}
"""Of a command that is run on a few zones."""
