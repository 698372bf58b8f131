"""`market-events`: news and other events that concern companies."""

from __future__ import annotations

from axiom.contracts.payload import Payload
from axiom.contracts.topic import Topic

TOPIC = Topic[Payload](
    name="market-events",
    summary="news and other events that concern companies",
    key="article id",
)
