"""Texts as vectors of 384 numbers, so that what means alike lies close together."""
