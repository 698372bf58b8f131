"""Serves the HTTP API: reads of every store, live feeds, and people's wishes about jobs and dead letters."""
