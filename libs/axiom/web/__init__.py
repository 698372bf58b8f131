"""Getting things from the web: limits on time, size and redirects, and guarded addresses."""
