"""One adapter for each kind of input; every one of them ends in a `Source`."""
