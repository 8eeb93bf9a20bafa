"""Maximum-likelihood search: sums over pairs, elimination of effects, Newton steps, dual potentials."""
