"""The stream: a Faust agent that hands records on in batches and acknowledges them once that has returned.

At least once: Faust commits an offset only when every record before it is acknowledged. Nothing but the group
and the fetching is Faust's here: no tables, no models, no web server, no topics of its own.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from typing import Any

import faust

from axiom.contracts.record import Record, TopicPartition
from axiom.errors import StoreDown
from axiom.resilience.backoff import Backoff
from axiom.telemetry.logs import get_logger

Take = Callable[[Sequence[Record]], Awaitable[None]]
Assign = Callable[[Collection[TopicPartition]], None]
log = get_logger()


class Stream:
    """One member of a consumer group on one topic.

    Args:
        take: works on records, in the order of their offsets. Raises StoreDown to be called again.
        assign: is told which partitions are this member's whenever that may have changed.
        batch_records: the most records that `take` gets at once.
    """

    def __init__(
        self, bootstrap: str, group: str, topic: str, take: Take, assign: Assign, batch_records: int
    ) -> None:
        self._bootstrap = bootstrap
        self._group = group
        self._topic = topic
        self._take = take
        self._assign = assign
        self._batch_records = batch_records
        self._failed: asyncio.Future[None] | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; then leave the group. Raises what `take` raises for good."""
        self._failed = asyncio.get_running_loop().create_future()
        with tempfile.TemporaryDirectory(prefix="axiom-faust-") as folder:
            app = self._make_app(folder)
            await app.start()
            ends: list[asyncio.Future[Any]] = [
                asyncio.ensure_future(stop.wait()), self._failed, asyncio.ensure_future(_crash_of(app)),
            ]  # fmt: skip
            try:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await app.stop()
                for end in ends:
                    end.cancel()
            for end in ends:
                with suppress(asyncio.CancelledError):
                    await end

    def _make_app(self, folder: str) -> faust.App:
        app = faust.App(
            self._group,
            broker=f"kafka://{self._bootstrap}",
            broker_client_id=self._group,
            broker_commit_interval=1.0,
            broker_heartbeat_interval=2.0,
            broker_session_timeout=6.0,
            consumer_auto_offset_reset="earliest",
            stream_buffer_maxsize=4 * self._batch_records,
            stream_wait_empty=False,
            store="memory://",
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
            datadir=folder,
        )
        topic = app.topic(
            self._topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )
        app.agent(topic, name="bars")(self._work)

        changed: Any = app.on_partitions_assigned  # its types are too narrow for any receiver
        changed.connect(self._on_assigned)
        return app

    async def _on_assigned(self, _: Any, assigned: Collection[Any], **__: Any) -> None:
        self._assign([TopicPartition(part.topic, part.partition) for part in assigned])

    async def _work(self, stream: Any) -> None:
        """Take what is there, whenever something is; a failure ends the service, unacknowledged."""
        held: list[Any] = []
        try:
            async for event in stream.noack().events():
                held.append(event)
                if len(held) < self._batch_records and not stream.channel.queue.empty():
                    continue
                await self._take_with_patience([_record(one.message) for one in held])
                for one in held:
                    await stream.ack(one)
                held.clear()
        except Exception as error:
            if self._failed is not None and not self._failed.done():
                self._failed.set_exception(error)

    async def _take_with_patience(self, records: Sequence[Record]) -> None:
        backoff = Backoff(base_s=0.5, cap_s=5.0)
        while True:
            try:
                await self._take(records)
                return
            except StoreDown as down:
                log.warning("records_wait", why=str(down)[:300])
                await asyncio.sleep(backoff.next_s(down.retry_after_s))


async def _crash_of(app: faust.App) -> None:
    """Return when Faust has ended by itself; raises what it ended of."""
    await app.wait_until_stopped()
    if app.crash_reason is not None:
        raise app.crash_reason


def _record(message: Any) -> Record:
    return Record(
        message.topic, message.partition, message.offset, round((message.timestamp or 0) * 1000),
        message.key, message.value, tuple(message.headers or ()),
    )  # fmt: skip
