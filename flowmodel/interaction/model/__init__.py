"""What a model of a flow table is: the pairs, the law, the covariates, and the linear predictor they make."""
