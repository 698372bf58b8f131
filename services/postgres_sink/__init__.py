"""Keeps every price bar in PostgreSQL."""
