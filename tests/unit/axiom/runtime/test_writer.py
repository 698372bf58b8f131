from __future__ import annotations

from typing import Any

import pytest

from axiom.bus.deadletters import DeadLetters
from axiom.contracts.codec import Decoder
from axiom.contracts.headers import current_traceparent
from axiom.errors import Fenced, Permanent
from axiom.runtime.poison import PoisonBurst
from axiom.runtime.runs import Run, cut, decode_runs
from axiom.runtime.sink import Sink
from axiom.runtime.writer import Held, Writer
from axiom.stores.memory import MemoryStore, Rows
from axiom.stores.port import Batch
from tests.bars import bar
from tests.unit.axiom.runtime.harness import (
    REFUSED,
    NotedCrashPoint,
    World,
    keep_newest,
    make_sink,
    no_shadow,
    partition,
    quick_backoff,
)
from topics.price_updates import TOPIC, PriceBar

pytestmark = pytest.mark.unit

SESSION = 1


class Bench:
    """A writer that holds partition 0 of a world's topic."""

    def __init__(
        self, handler: Any = keep_newest, poison: PoisonBurst | None = None, most: int | None = None
    ) -> None:
        self.world = World()
        self.crash = NotedCrashPoint()
        self.pauses: list[tuple[str, bool]] = []
        limits = {} if most is None else {TOPIC: most}
        sink = Sink("sink", self.world.store, {TOPIC: handler}, no_shadow, most_records=limits)
        self.writer = Writer(
            sink, DeadLetters(self.world.producer, "sink"), self.crash, self._pause, quick_backoff(), poison
        )  # fmt: skip

    def _pause(self, reason: str, why: str | None) -> None:
        self.pauses.append((reason, why is not None))

    async def take(self) -> None:
        taken = await self.world.store.take(
            "sink", TOPIC.name, self.world.broker_identity(TOPIC.name), {0: 0}
        )
        self.writer.held[partition()] = Held(taken[0], SESSION)

    def runs(self, session: int = SESSION) -> list[Run]:
        """All of the log as one run."""
        decoders: dict[str, Decoder[PriceBar]] = {TOPIC.name: Decoder(TOPIC)}
        return decode_runs(self.world.broker.records(TOPIC.name), decoders, {partition(): session})


@pytest.fixture
async def bench() -> Bench:
    made = Bench()
    await made.take()
    return made


async def test_the_order_of_a_writes_steps(bench: Bench) -> None:
    bench.world.publish([bar(days=0)])
    bench.world.publish_raw(b"AAPL", b"bad")
    await bench.writer.write(bench.runs())
    assert bench.crash.passed == ["after_dead_letter", "before_store_write", "after_store_write"]
    assert bench.writer.done == {partition(): 2}
    assert bench.writer.held[partition()].position == bench.world.store.positions["sink", TOPIC.name, 0]


async def test_a_refused_record_is_buried_before_its_offset_moves(bench: Bench) -> None:
    bench.world.publish([bar(close=REFUSED)])
    await bench.writer.write(bench.runs())
    assert bench.crash.passed == [
        "before_store_write", "after_dead_letter", "before_store_write", "after_store_write",
    ]  # fmt: skip


async def test_halving_takes_few_tries(bench: Bench) -> None:
    bench.world.publish(bar(days=number, close=REFUSED if number == 700 else 1.0) for number in range(1024))
    await bench.writer.write(bench.runs())
    assert bench.world.total("applied") == 1023
    assert bench.world.store.tries <= 2 * 10 + 2


async def test_runs_of_another_session_or_partition_are_dropped(bench: Bench) -> None:
    bench.world.publish([bar()])
    await bench.writer.write(bench.runs(session=SESSION - 1))
    bench.writer.held.clear()
    await bench.writer.write(bench.runs())
    assert bench.world.stored == 0
    assert bench.world.store.tries == 0


async def test_a_fence_lets_go_of_the_partition_and_drops_what_follows(bench: Bench) -> None:
    bench.world.publish([bar(days=number) for number in range(10)])
    await bench.world.store.take("sink", TOPIC.name, bench.world.broker_identity(TOPIC.name), {0: 0})
    await bench.writer.write([*bench.runs(), *bench.runs()])
    assert bench.writer.fenced == {partition()}
    assert bench.writer.held == {}
    assert bench.world.store.tries == 1
    assert bench.world.store.rows == {}


async def test_records_from_before_the_stores_offset_are_not_counted_again(bench: Bench) -> None:
    """A seek can be lost in the client: then a partition comes from its beginning once more."""
    bench.world.publish([bar(days=number) for number in range(10)])
    await bench.writer.write(bench.runs())
    [again] = bench.runs()
    await bench.writer.write(cut(again, 4))
    assert bench.world.store.positions["sink", TOPIC.name, 0].next_offset == 10
    assert bench.world.total("applied") + bench.world.total("superseded") == 10
    assert bench.writer.held == {}
    assert bench.writer.fenced == {partition()}


async def test_a_refusal_of_a_batch_without_records_is_nobodys_fault() -> None:
    class Refusing(MemoryStore):
        async def apply(self, batch: Batch, handler: Any) -> int:
            raise Permanent("everything")

    bench = Bench()
    writer = Writer(
        make_sink(Refusing()), DeadLetters(bench.world.producer, "sink"), bench.crash, bench._pause
    )
    at = (await bench.world.store.take("sink", TOPIC.name, bench.world.broker_identity(TOPIC.name), {0: 0}))[
        0
    ]
    writer.held[partition()] = Held(at, SESSION)
    bench.world.publish_raw(b"AAPL", b"bad")
    with pytest.raises(Permanent, match="everything"):
        await writer.write(bench.runs())
    assert len(bench.world.letters()) == 1


async def test_what_is_written_meanwhile_joins_the_first_records_trace() -> None:
    seen: list[bytes | None] = []

    def note_trace(rows: Rows, batch: Batch) -> int:
        seen.append(current_traceparent.get())
        return 0

    bench = Bench(note_trace)
    await bench.take()
    bench.world.publish([bar(days=0), bar(days=1)])
    first = bench.world.broker.records(TOPIC.name)[0].header("traceparent")
    await bench.writer.write(bench.runs())
    assert seen == [first]
    assert current_traceparent.get() is None


async def test_a_mistake_of_the_handler_is_not_taken_for_poison(bench: Bench) -> None:
    def wrong(rows: Rows, batch: Batch) -> int:
        raise ZeroDivisionError

    other = Bench(wrong)
    await other.take()
    other.world.publish([bar()])
    with pytest.raises(ZeroDivisionError):
        await other.writer.write(other.runs())
    assert other.world.letters() == []
    assert other.world.stored == 0


async def test_an_outage_is_declared_until_the_store_answers(bench: Bench) -> None:
    bench.world.publish([bar()])
    bench.world.store.lose_answers = 1
    await bench.writer.write(bench.runs())
    assert bench.pauses == [("store_down", True), ("store_down", False)]
    assert bench.world.total("applied") == 1
    assert not bench.writer.fenced, "its own write, whose answer was lost, is not another's"


async def test_a_fence_after_an_outage_is_a_fence(bench: Bench) -> None:
    class TakenMeanwhile(MemoryStore):
        async def ping(self) -> None:
            if self.down:
                self.down = False
                at = self.positions["sink", TOPIC.name, 0]
                await self.take("sink", TOPIC.name, at.log, {0: 0})
            await super().ping()

    store = TakenMeanwhile()
    at = (await store.take("sink", TOPIC.name, bench.world.broker_identity(TOPIC.name), {0: 0}))[0]
    writer = Writer(
        make_sink(store), DeadLetters(bench.world.producer, "s"), bench.crash, bench._pause, quick_backoff()
    )
    writer.held[partition()] = Held(at, SESSION)
    bench.world.publish([bar()])
    store.down = True
    await writer.write(bench.runs())
    assert writer.fenced == {partition()}
    assert store.rows == {}
    with pytest.raises(Fenced):
        await store.apply(Batch("sink", TOPIC.name, 0, at.epoch, 0, 1, [], []), keep_newest)


async def test_a_burst_of_poison_pauses_the_sink_and_passes() -> None:
    bench = Bench(poison=PoisonBurst(window=20, share=0.5, pause_s=0.01))
    await bench.take()
    for _ in range(35):
        bench.world.publish_raw(b"AAPL", b"bad")
    bench.world.publish([bar()])
    await bench.writer.write(bench.runs())
    assert bench.pauses == [("poison_burst", True), ("poison_burst", False)] * 3
    assert bench.world.total("dead_lettered") == len(bench.world.letters()) == 35
    assert bench.world.total("applied") == 1


async def test_scattered_poison_pauses_nothing() -> None:
    bench = Bench(poison=PoisonBurst(window=20, share=0.5, pause_s=60))
    await bench.take()
    for number in range(60):
        bench.world.publish([bar(days=number)])
        if number % 4 == 0:
            bench.world.publish_raw(b"AAPL", b"bad")
    await bench.writer.write(bench.runs())
    assert bench.pauses == []
    assert bench.world.total("applied") == 60


def test_a_busy_topic_hides_no_burst_in_another() -> None:
    poison = PoisonBurst(window=20, share=0.5)
    poison.note("rare", bad=10)
    poison.note("busy", good=1000)
    assert (poison.is_on("rare"), poison.is_on("busy")) == (True, False)
    poison.reset("rare")
    assert not poison.is_on("rare")


async def test_records_that_cost_much_are_written_few_at_a_time() -> None:
    bench = Bench(most=4)
    await bench.take()
    bench.world.publish([bar(days=days) for days in range(9)])
    bench.world.publish_raw(b"AAPL", b"bad")
    await bench.writer.write(bench.runs())
    assert bench.crash.passed.count("after_store_write") == 3
    assert bench.writer.done == {partition(): 10}
    assert (bench.world.total("applied"), bench.world.total("dead_lettered")) == (9, 1)
