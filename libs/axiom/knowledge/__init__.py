"""Reading the graph: what lies around a company, and where an edge comes from."""
