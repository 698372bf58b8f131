"""analyst: computes what many bars or the whole graph say, as jobs."""
