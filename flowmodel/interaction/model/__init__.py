"""Models of a flow table: pairs, laws, covariates, and the linear predictor."""
