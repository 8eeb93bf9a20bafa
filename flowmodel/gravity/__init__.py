"""The gravity kernel over pairs of zones: distance decay, borders, and the attraction of destinations."""
