"""Files of runs: finished runs as maps and grids read them, and writing a file whole."""
