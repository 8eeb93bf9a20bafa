"""The comparisons of bench.py."""
