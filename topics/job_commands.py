"""`job-commands`: commands to the services that own jobs."""

from __future__ import annotations

from axiom.contracts.payload import Payload
from axiom.contracts.topic import DAY_MS, Topic

TOPIC = Topic[Payload](
    name="job-commands",
    summary="commands to the services that own jobs",
    key="job",
    retention_ms=90 * DAY_MS,
)
