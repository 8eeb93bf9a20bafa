"""Registered people in the first census: the margins of the stock and the groups of people, before any kernel."""
