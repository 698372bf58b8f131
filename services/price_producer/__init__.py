"""price-producer: gets price bars from a chain of sources and writes them to `price-updates`."""
