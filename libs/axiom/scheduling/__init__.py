"""Jobs, their ticks and the store of both: what the scheduler, people and other programs share."""
