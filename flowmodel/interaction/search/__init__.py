"""How margins and moments are met: sums over pairs, effects eliminated, Newton steps, dual potentials."""
