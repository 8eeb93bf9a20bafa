"""Spatial interaction: flow models of an observed origin-destination table, their calibration, scores and draws."""
