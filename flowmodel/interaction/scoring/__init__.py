"""How well fitted flows agree with observed ones. NumPy on the host."""
