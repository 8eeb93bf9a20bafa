"""Fits of the models of zones: objectives from census counts, search, uncertainty, baselines and scores."""
