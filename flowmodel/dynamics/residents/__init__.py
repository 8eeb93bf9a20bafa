"""Residents alone: a year, the years of a run, and their accounts."""
