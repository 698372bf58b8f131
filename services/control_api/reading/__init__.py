"""Questions to the stores and the log, answered as typed models; routes and dashboard ask the same ones."""
