"""Keeps the shape of each symbol's recent price path in Chroma, to find stocks that moved alike."""
