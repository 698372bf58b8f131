"""What can go wrong, by what the caller can do about it.

    AxiomError
    ├── Transient(retry_after_s)   try again: a server is down, slow or rate-limiting
    │   └── StoreDown              a store (or Kafka) does not answer: pause, back off, resume
    ├── Permanent                  the same input will fail again: dead-letter it or give up
    │   ├── BadRecord              a record breaks its topic's contract
    │   ├── RecordTooLarge         a record is over the topic's size limit
    │   └── DeliveryFailed         Kafka refused a record for good
    ├── Fenced                     another owner holds the partition: drop the batch, check ownership
    ├── LogMismatch                the topic is not the one the store was filled from: a person decides
    └── Misconfigured              a setting is missing or wrong: stop the start and name it

Drivers' exceptions are translated once, in the module that imports the driver.
"""

from __future__ import annotations


class AxiomError(Exception):
    """The root. Its message says what to do next."""


class Transient(AxiomError):
    """May pass by itself; `retry_after_s` is the other side's wish, where it gave one."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoreDown(Transient):
    """A server does not answer, or answers that it can't serve now."""


class Permanent(AxiomError):
    """Fails again for the same input."""


class BadRecord(Permanent):
    """A record breaks its topic's contract. `error_class` is a short, closed name for metrics."""

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class


class RecordTooLarge(Permanent):
    """A record is over the topic's `max.message.bytes`; nothing was sent."""

    def __init__(self, message: str, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(message)
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class DeliveryFailed(Permanent):
    """Kafka did not confirm one or more records."""


class Fenced(AxiomError):
    """The store's epoch or next offset is not the one this writer holds. Nothing was written."""


class LogMismatch(AxiomError):
    """The topic was deleted, truncated or repartitioned since the store was filled from it."""

    WAY_OUT = (
        "Restore the topic, or make the store anew from what the log holds: `axiom rebuild --accept-loss`"
    )


class Misconfigured(AxiomError):
    """A setting is missing or wrong; the message names it and says how to set it."""
