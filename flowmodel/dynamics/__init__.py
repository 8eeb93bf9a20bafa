"""What a year does to people: births, deaths and moves, and the accounts that must close."""
