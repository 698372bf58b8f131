"""`make bench`: sinks against their stores' limits and naive loops; latency; producer throughput."""
