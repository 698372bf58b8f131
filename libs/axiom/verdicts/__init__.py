"""What the last `axiom verify` found of each store, kept in schema `control`."""
