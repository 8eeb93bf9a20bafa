"""Distributions of flows, with censoring and truncation, and log likelihoods of fits and null models."""
