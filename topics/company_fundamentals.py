"""`company-fundamentals`: profiles, sectors, market caps and ratios."""

from __future__ import annotations

from axiom.contracts.payload import Payload
from axiom.contracts.topic import Topic

TOPIC = Topic[Payload](
    name="company-fundamentals",
    summary="profiles, sectors, market caps and ratios",
    key="symbol",
)
