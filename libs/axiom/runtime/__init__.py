"""What every service runs on: the sink loop, the watchdog, start and stop."""
