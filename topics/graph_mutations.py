"""`graph-mutations`: typed changes of the knowledge graph, with their provenance."""

from __future__ import annotations

from axiom.contracts.payload import Payload
from axiom.contracts.topic import Topic

TOPIC = Topic[Payload](
    name="graph-mutations",
    summary="typed changes of the knowledge graph, with their provenance",
    key="entity or edge id",
)
