"""The clock: what is due when, who does it, and what became of it."""
