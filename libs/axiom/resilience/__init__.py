"""How to deal with what fails: clock, circuit breaker, backoff, retry, negative cache."""
