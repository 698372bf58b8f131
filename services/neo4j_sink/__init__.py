"""Keeps the graph in Neo4j: companies, events, and what relates them."""
