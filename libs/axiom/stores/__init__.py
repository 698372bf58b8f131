"""Stores behind a port: each keeps a sink's rows and its offsets, and writes both at once or neither."""
