"""`technical-signals`: technical indicators by symbol and bar."""

from __future__ import annotations

from axiom.contracts.payload import Payload
from axiom.contracts.topic import Topic

TOPIC = Topic[Payload](
    name="technical-signals",
    summary="technical indicators by symbol and bar",
    key="symbol",
)
