"""Gravity models of people moving between zones, year by year, fitted to what censuses observed.

The package imports nothing until a module is asked for: `zones` and `parameters` are what a run is made of, `gravity`
says who is drawn where, `dynamics` what a year does to people, `fit` what the census says about it.
"""
