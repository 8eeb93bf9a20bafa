"""The gravity operator over the cells of a regular grid, by fast Fourier transforms."""
