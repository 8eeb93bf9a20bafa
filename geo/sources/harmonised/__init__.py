"""From the units of each census to zones that stay the same, with what was joined, split or recoded, and why."""
