"""Kafka behind a port: `port` says what a bus does, `kafka` does it, `memory` is its twin for tests."""
