"""What producers share: outcomes of sources, failover, breakers, clients of providers with several uses."""
