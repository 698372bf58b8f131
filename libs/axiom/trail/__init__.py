"""What became of one record, from the log and the stores alone: `axiom trace`."""
