"""Parameters of the models of zones: their definitions, priors and values."""
