"""Topics: what the log holds, and how far each consumer has read it."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import Field

from axiom.bus.kafka.admin import TopicState as LogState
from axiom.contracts.topic import DAY_MS, Topic
from services.control_api.reading.models import Model
from services.control_api.reading.sources import Sources
from topics import all_topics


class TopicState(Model):
    """A declared topic."""

    topic: str
    summary: str
    key: str
    partitions: int
    retention_days: int | None = Field(description="None: kept for ever.")
    records: int | None = Field(description="Offsets that it holds; None where Kafka has no such topic yet.")
    size_bytes: int | None
    lag: dict[str, int] = Field(description="By consumer group: records that it has still to read.")


async def topics(sources: Sources) -> list[TopicState]:
    """Every declared topic; Kafka is asked in a thread.

    Raises:
        StoreDown: Kafka does not answer.
    """
    return await asyncio.to_thread(_topics, sources)


def _topics(sources: Sources) -> list[TopicState]:
    declared = all_topics()
    present = sources.admin.names() & set(declared)
    states = {state.name: state for state in sources.admin.describe(present)}
    return [_state(topic, states.get(name)) for name, topic in declared.items()]


def _state(topic: Topic[Any], state: LogState | None) -> TopicState:
    return TopicState(
        topic=topic.name,
        summary=topic.summary,
        key=topic.key,
        partitions=state.identity.partitions if state else topic.partitions,
        retention_days=None if topic.retention_ms is None else topic.retention_ms // DAY_MS,
        records=state.records if state else None,
        size_bytes=state.size_bytes if state else None,
        lag={group: state.lag(group) for group in state.group_offsets} if state else {},
    )
