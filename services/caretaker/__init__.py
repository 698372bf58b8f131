"""The caretaker: what is done overnight and before the market opens: backups, reports, warm caches."""
