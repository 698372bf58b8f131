"""Budgets of calls that providers allow a key, shared by every process that uses the key."""
