"""Separation: pairs without a flow for which no finite Poisson estimates exist."""
