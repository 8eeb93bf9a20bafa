"""Runs: from a configuration to a finished run folder, the same way for every command and API call."""
