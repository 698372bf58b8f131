"""Windows over live prices: longer bars, returns, volatility, correlations, unusual moves."""
