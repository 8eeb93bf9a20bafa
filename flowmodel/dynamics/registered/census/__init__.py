"""Who is registered where, as far as the first census tells: margins of the stock and groups, before any kernel."""
