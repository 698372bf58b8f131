"""`sink-progress`: how far each sink's store had come, and when; for `axiom trace`."""

from __future__ import annotations

from axiom.contracts.payload import Count, Payload, Text, UtcTime
from axiom.contracts.topic import DAY_MS, Topic


class Step(Payload):
    """At `at` the store held every record of the partition below `next_offset`, and not much sooner."""

    topic: Text
    partition: Count
    next_offset: Count
    at: UtcTime


class SinkProgress(Payload):
    """What one member of a sink did in about a second.

    Nothing is derived from it: after a kill steps may be missing, and the store's own offsets count.
    """

    consumer: Text
    steps: tuple[Step, ...]


def progress_id(progress: SinkProgress) -> str:
    """The consumer and its last step."""
    last = progress.steps[-1]
    return f"{progress.consumer}:{last.topic}:{last.partition}:{last.next_offset}"


TOPIC = Topic[SinkProgress](
    name="sink-progress",
    summary="how far each sink's store had come, and when",
    key="consumer",
    payload=SinkProgress,
    key_of=lambda progress: progress.consumer,
    id_of=progress_id,
    retention_ms=7 * DAY_MS,
)
