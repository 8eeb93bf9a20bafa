"""Measures of agreement between fitted and observed flows. NumPy on the host."""
