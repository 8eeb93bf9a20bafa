"""Parameters: what they are, which a model has, and where their values come from."""
