"""`correlation-updates`: correlations of pairs of symbols over a window."""

from __future__ import annotations

from axiom.contracts.payload import Payload
from axiom.contracts.topic import Topic

TOPIC = Topic[Payload](
    name="correlation-updates",
    summary="correlations of pairs of symbols over a window",
    key="pair",
)
