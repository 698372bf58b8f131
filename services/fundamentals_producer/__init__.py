"""fundamentals-producer: gets companies' profiles and ratios and writes them to `company-fundamentals`."""
