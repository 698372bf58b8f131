"""Mathematics of prices: pure, columnar, no I/O."""
