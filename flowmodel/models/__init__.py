"""The models that a configuration can ask for."""
