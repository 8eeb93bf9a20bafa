"""Sources of zones: a panel, harmonised censuses, the built-in country, and what all of them give."""
