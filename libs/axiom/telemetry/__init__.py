"""What a service tells of itself: JSON logs, Prometheus metrics and the health server."""
