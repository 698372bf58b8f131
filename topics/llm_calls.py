"""`llm-calls`: each paid call: answer, tokens, cost."""

from __future__ import annotations

from axiom.contracts.payload import Payload
from axiom.contracts.topic import Topic

TOPIC = Topic[Payload](
    name="llm-calls",
    summary="each paid call: answer, tokens, cost",
    key="hash(model, prompt version, schema version, input):attempt",
)
