"""Spatial interaction models of observed origin-destination tables: calibration, scores, draws and target totals."""
