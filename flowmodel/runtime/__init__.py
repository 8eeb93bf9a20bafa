"""The machine: device, precision, memory, compilation, and the cache of compiled programs."""

from .compiling import compiler_options as compiler_options
from .compiling import program as program
from .device import describe as describe
from .memory import available_bytes as available_bytes
from .memory import exhausted as exhausted
from .memory import peak_memory_gb as peak_memory_gb
from .memory import total_bytes as total_bytes
from .process import compile_seconds as compile_seconds
from .process import configure as configure
from .process import keep_large_tables as keep_large_tables
from .process import kernel_dtype as kernel_dtype
from .tiles import SHARE as SHARE
from .tiles import fitting as fitting
from .tiles import predicted as predicted
from .tiles import retrying as retrying
from .tiles import sentence as sentence
