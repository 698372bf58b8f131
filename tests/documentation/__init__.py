"""What the documentation shows, held to what exists; `python -m tests.documentation` says how."""
