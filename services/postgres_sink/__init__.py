"""Keeps every bar, event and statement in PostgreSQL."""
