"""Keeps in Chroma the shape of each symbol's recent prices, and news and companies as embedded texts."""
