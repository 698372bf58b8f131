"""A sink on the twins: broker, store and loop in one process, with handles for every fault."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from axiom.bus.deadletters import DeadLetters
from axiom.bus.memory import MemoryBroker, MemoryConsumer, MemoryProducer
from axiom.bus.port import Polled
from axiom.contracts.codec import Decoder, content_hash, encode
from axiom.contracts.record import Message, TopicIdentity, TopicPartition
from axiom.errors import Permanent
from axiom.resilience.backoff import Backoff
from axiom.runtime.crashpoint import CrashPoint, Place
from axiom.runtime.loop import LoopOptions, SinkLoop
from axiom.runtime.poison import PoisonBurst
from axiom.runtime.sink import Sink
from axiom.runtime.watchdog import Watchdog
from axiom.stores.memory import MemoryStore, Rows
from axiom.stores.port import Batch
from axiom.telemetry.health import Health
from topics import dead_letters
from topics.dead_letters import DeadLetter
from topics.price_updates import TOPIC, PriceBar

FAST = LoopOptions(
    poll_records=50, poll_timeout_s=0.005, keep_alive_s=0.02, recheck_s=0.02, inspect_s=0.02, stand_s=0.05,
    stop_s=0.2,
)  # fmt: skip
REFUSED = 666.0
"""A close that the store refuses."""


def keep_newest(rows: Rows, batch: Batch) -> int:
    """The sink: each bar's newest version."""
    if any(bar.close == REFUSED for bar in batch.payloads):
        raise Permanent("the store refuses 666")
    applied = 0
    newest: dict[Any, Any] = {}
    for record, bar in zip(batch.records, batch.payloads, strict=True):
        key, version = (bar.symbol, bar.ts), (bar.fetched_at, content_hash(record.value))
        if key not in newest or newest[key][0] < version:
            newest[key] = (version, bar.close)
    for key, value in newest.items():
        if key not in rows or rows[key][0] < value[0]:
            rows[key] = value
            applied += 1
    return applied


class GatedStore(MemoryStore):
    """A store whose writes wait while `gate` is closed; `waiting` is set while one does."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = asyncio.Event()
        self.tries = 0

    async def apply(self, batch: Batch, handler: Any) -> int:
        self.tries += 1
        if not self.gate.is_set():
            self.waiting.set()
            await self.gate.wait()
        return await super().apply(batch, handler)


class CountingConsumer(MemoryConsumer):
    """Counts its polls."""

    polls = 0

    def poll(self, max_records: int, timeout_s: float) -> Polled:
        self.polls += 1
        return super().poll(max_records, timeout_s)


class NotedCrashPoint(CrashPoint):
    """Notes the places it passes and never dies."""

    def __init__(self) -> None:
        super().__init__()
        self.passed: list[str] = []

    def reached(self, place: Place) -> None:
        self.passed.append(place)


def no_shadow() -> Any:
    raise AssertionError("nothing here is rebuilt")


def make_sink(store: MemoryStore, **declared: Any) -> Sink[Any]:
    return Sink(name="sink", store=store, handlers={TOPIC: keep_newest}, shadow=no_shadow, **declared)


def quick_backoff() -> Backoff:
    """Slow enough that an outage in a test ends before the breaker opens, which holds for seconds."""
    return Backoff(base_s=0.06, cap_s=0.06, draw=lambda low, high: high)


class HandClock:
    """The watchdog's time, which passes only when a test says so: a busy machine is no standstill.

    Attributes:
        limit_s: the watchdog's; it looks four times in that time of the real clock.
    """

    limit_s = 0.2

    def __init__(self) -> None:
        self._now_s = 0.0
        self._asked: Counter[str] = Counter()

    def __call__(self) -> float:
        self._asked[threading.current_thread().name] += 1
        return self._now_s

    async def step(self, world: World) -> None:
        """Less than the limit passes; then the loop goes round and the watchdog looks, unless it ends all."""
        self._now_s += 0.6 * self.limit_s
        for name in (threading.current_thread().name, "watchdog"):
            await world.until(partial(self._has_asked, name, self._asked[name] + 2, world))

    def _has_asked(self, name: str, times: int, world: World) -> bool:
        return self._asked[name] >= times or any(member.exits for member in world.members)


class Member:
    """One process of the sink."""

    def __init__(
        self, world: World, poison: PoisonBurst | None = None, watched_by: HandClock | None = None
    ) -> None:
        self.exits: list[int] = []
        self.health = Health("sink")
        self.stop = asyncio.Event()
        self.consumer = CountingConsumer(world.broker, "sink", [TOPIC.name])
        self.loop = SinkLoop(
            make_sink(world.store, **world.declared), self.consumer, DeadLetters(world.producer, "sink"),
            self.health, _watchdog(self.exits.append, watched_by), options=world.options,
            crash=NotedCrashPoint(), backoff=quick_backoff(), poison=poison,
        )  # fmt: skip
        self.task = asyncio.create_task(self.loop.run(self.stop))

    async def end(self) -> None:
        """Stop, and raise what the loop raised."""
        self.stop.set()
        await asyncio.wait_for(self.task, 10)

    @property
    def partitions(self) -> set[int]:
        return {row["partition"] for row in self.health.summary()["partitions"]}


def _watchdog(exit_process: Callable[[int], None], clock: HandClock | None) -> Watchdog:
    if clock is None:
        return Watchdog(60, exit_process)
    return Watchdog(clock.limit_s, exit_process, clock)


class World:
    """The broker, the store, and the members that work between them; `declared` is of the sink."""

    def __init__(self, partitions: int = 1, options: LoopOptions = FAST, **declared: Any) -> None:
        self.declared = declared
        self.broker = MemoryBroker()
        self.broker.create(TOPIC.name, partitions)
        self.broker.create(dead_letters.TOPIC.name)
        self.store = GatedStore()
        self.producer = MemoryProducer(self.broker)
        self.options = options
        self.members: list[Member] = []

    def start(self, **settings: Any) -> Member:
        """A further member."""
        self.members.append(Member(self, **settings))
        return self.members[-1]

    def publish(self, bars: Iterable[PriceBar]) -> None:
        for bar in bars:
            self.broker.append(encode(TOPIC, bar))

    def publish_raw(self, key: bytes | None, value: bytes | None, version: bytes = b"1") -> None:
        self.broker.append(Message(TOPIC.name, key, value, (("schema-version", version),)))

    def broker_identity(self, topic: str) -> TopicIdentity:
        return TopicIdentity(self.broker.id_of(topic), len(self.broker.logs[topic]))

    def letters(self) -> list[DeadLetter]:
        decode: Decoder[DeadLetter] = Decoder(dead_letters.TOPIC)
        return [decode(record) for record in self.broker.records(dead_letters.TOPIC.name)]

    @property
    def published(self) -> int:
        return len(self.broker.records(TOPIC.name))

    @property
    def stored(self) -> int:
        """Records that the store's offsets are beyond."""
        return sum(position.next_offset for position in self.store.positions.values())

    def total(self, count: str) -> int:
        return sum(getattr(position, count) for position in self.store.positions.values())

    async def caught_up(self) -> None:
        """Wait until the store is at the end of the log; its counts then sum up to the records."""
        await self.until(lambda: self.stored == self.published)
        assert (
            self.total("applied") + self.total("superseded") + self.total("dead_lettered") == self.published
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition; raise what a member died of, if one did."""
        deadline = time.monotonic() + 10
        while not condition():
            for member in self.members:
                if member.task.done():
                    member.task.result()
            assert time.monotonic() < deadline, "the condition did not come to hold"
            await asyncio.sleep(0.002)

    async def end(self) -> None:
        """Stop every member that runs."""
        self.store.gate.set()
        for member in self.members:
            if not member.task.done():
                await member.end()


def partition(number: int = 0) -> TopicPartition:
    return TopicPartition(TOPIC.name, number)
