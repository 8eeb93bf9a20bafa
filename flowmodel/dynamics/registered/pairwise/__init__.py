"""Registered people by pair of zones: every process, stored as a matrix."""
