"""Which symbols are asked about how often, and how far behind the market their prices are."""
