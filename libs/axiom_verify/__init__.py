"""Is a store what the log says? A second, plain fold of the log, compared with what the stores hold.

Nothing here imports a sink: a mistake in a sink's mapping must not hide itself.
"""
