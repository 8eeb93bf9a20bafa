"""Results as labelled datasets and tables."""
