"""The local extractor: event type, sentiment and companies of a headline, without key, network or GPU."""
