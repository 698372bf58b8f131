"""What the enricher reads and why: one module a task, pure."""
