"""`job-runs`: what became of each job run."""

from __future__ import annotations

from axiom.contracts.payload import Payload
from axiom.contracts.topic import DAY_MS, Topic

TOPIC = Topic[Payload](
    name="job-runs",
    summary="what became of each job run",
    key="job",
    retention_ms=90 * DAY_MS,
)
