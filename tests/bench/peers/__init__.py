"""Other people's ways to bring the same records into the same stores, in environments of their own."""
