"""Keeps a node for each company in Neo4j, with its latest price."""
