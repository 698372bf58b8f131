"""Keeps the latest price and a recent window of bars of each symbol in Redis."""
