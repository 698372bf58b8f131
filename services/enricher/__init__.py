"""Reads events, companies and correlations, and says what follows for the graph."""
