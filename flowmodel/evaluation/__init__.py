"""Out-of-sample tests: cross-validation over zones and pairs, forecasts, and placebo tests."""
