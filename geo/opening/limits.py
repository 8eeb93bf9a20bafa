"""Ceilings of what is read, each with its reason; a file above one is refused before it is read."""

GIBIBYTE = 2**30

# The largest layer or raster we know of that somebody needs is a national 100 m raster, about 3 GB.
FILE_BYTES = 4 * GIBIBYTE

# Text and workbooks are read whole, and take about ten times their size in memory.
WHOLE_BYTES = GIBIBYTE

# A layer of all counties of the world, unsimplified, has some ten million vertices; 16 bytes each, twice over.
VERTICES = 20_000_000

# There are fewer than a million townships and villages in any census table that has come up.
ROWS = 5_000_000

# Every cell of a table becomes a Python text of some 60 bytes.
CELLS = 50_000_000

# 3 arc-seconds over China are 3.2 thousand million pixels.
PIXELS = 4_000_000_000

# Deflate reaches 1032:1 on zeros; workbooks and R files of real tables stay below 30:1.
RATIO = 100

# Below this, even a bomb is harmless, and a sheet of one repeated number may pass the ratio.
RATIO_FROM_BYTES = 2**20

# What an archive may hold unpacked, all members together.
UNPACKED_BYTES = 2 * GIBIBYTE

# A workbook has a few dozen members.
MEMBERS = 10_000

# The kernel's limits on a name and on a whole path, in bytes.
NAME_BYTES = 255
PATH_BYTES = 4095

# How much of a file's own content a message may repeat.
SHOWN_CHARACTERS = 80
