"""How flows scatter round their mean, what a list leaves out, and the likelihood of a fit, a perfect fit and none."""
