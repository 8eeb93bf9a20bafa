"""Registered people as factors over zones: no pair of zones is stored."""
