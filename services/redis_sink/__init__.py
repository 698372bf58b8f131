"""Keeps each symbol's latest price, recent bars and last events in Redis."""
