"""What the census says about the parameters: observation, objective, optimisation, uncertainty, scores."""
