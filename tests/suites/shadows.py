"""What `axiom.stores.shadow` and `axiom.runtime.rebuild` promise. A subclass gives the `world`.

The log is the one in memory, so that a test has every record in its hand; the stores are real, or the twin.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from axiom.bus.deadletters import DeadLetters
from axiom.bus.letters import open_letters
from axiom.bus.memory import MemoryBroker, MemoryConsumer, MemoryLogReader, MemoryProducer
from axiom.contracts.codec import Decoder, encode
from axiom.contracts.record import LogRange, Message, Record, TopicPartition
from axiom.errors import AxiomError, Fenced, LogMismatch
from axiom.resilience.backoff import Backoff
from axiom.resilience.retry import retrying
from axiom.runtime.fold import LogFold, Nowhere
from axiom.runtime.loop import LoopOptions, SinkLoop
from axiom.runtime.rebuild import Rebuilt, rebuild
from axiom.runtime.runs import decode_runs
from axiom.runtime.sink import Sink
from axiom.runtime.watchdog import Watchdog
from axiom.stores.port import Batch, Position
from axiom.stores.shadow import Fence, Shadow, Vector
from axiom.telemetry.health import Health
from axiom_verify.readers import Dump
from tests.bars import bar
from topics import all_topics
from topics.price_updates import TOPIC, PriceBar

SYMBOLS = [f"Z{number:02d}" for number in range(12)]
WAIT_S = 60.0
FAST = LoopOptions(
    poll_records=200,
    poll_timeout_s=0.01,
    keep_alive_s=0.5,
    recheck_s=0.1,
    inspect_s=0.1,
    stand_s=0.1,
    stop_s=5,
)
Moment = Callable[[str], Awaitable[None]]


class Interrupted(Exception):
    """A rebuild is cut off."""


class SmallReader(MemoryLogReader):
    """Reads a few records at a time."""

    def read(
        self, stretches: Mapping[TopicPartition, LogRange], max_records: int = 40
    ) -> Iterator[Sequence[Record]]:
        yield from super().read(stretches, max_records)


class World(ABC):
    """A log in memory, and one store that a sink fills from it. A subclass says which store."""

    def __init__(self) -> None:
        self.broker = MemoryBroker()
        for name in all_topics():
            self.broker.create(name, 3)
        self.producer = MemoryProducer(self.broker)
        self.reader = SmallReader(self.broker)
        self._opened: list[Sink[Any]] = []

    # The store

    @abstractmethod
    def make_sink(self) -> Sink[Any]:
        """The sink, connected as a process of its own is."""

    @abstractmethod
    async def dump(self, entities: bool = True) -> Dump:
        """What the live store holds; without `entities` its offsets alone."""

    @abstractmethod
    async def problems(self) -> list[str]:
        """How the live store differs from the fold of the log up to its offsets."""

    @abstractmethod
    async def prices(self) -> dict[str, float]:
        """Each symbol's latest price, as readers ask for it."""

    @abstractmethod
    async def beside(self) -> set[str]:
        """What lies beside the live data."""

    @abstractmethod
    async def damage(self) -> None:
        """Delete some entities and change others."""

    @abstractmethod
    async def wipe(self) -> None:
        """Delete everything, offsets too."""

    # What every store has

    def sink(self) -> Sink[Any]:
        """As `make_sink`; replaced data does not linger, and the world closes it."""
        sink = self.make_sink()
        self._opened.append(sink)

        def at_once() -> Shadow[Any]:
            shadow = sink.shadow()
            shadow.linger_s = 0.0
            return shadow

        return replace(sink, shadow=at_once)

    def publish(self, bars: Iterable[PriceBar]) -> None:
        for one in bars:
            self.broker.append(encode(TOPIC, one))

    def publish_poison(self, count: int, key: bytes = b"ZBAD") -> None:
        for number in range(count):
            self.broker.append(Message(TOPIC.name, key + b"%d" % (number % 7), b"poison %d" % number, ()))

    async def fold(self, sink: Sink[Any] | None = None) -> Sink[Any]:
        """Bring the live store to the end of the log, as its sink would."""
        sink = sink or self.sink()
        await sink.store.setup()
        letters = DeadLetters(self.producer, sink.name)
        fold = LogFold(sink, sink.store, self.reader, ignore, letters)
        await fold.take()
        await fold.fill(fold.ends())
        return sink

    async def rebuild(
        self, at: Moment | None = None, sink: Sink[Any] | None = None, **options: Any
    ) -> Rebuilt:
        """A rebuild as a process of its own."""
        sink = sink or self.sink()
        if at is not None:
            shadow = sink.shadow
            sink = replace(sink, shadow=lambda: Watched(shadow(), at))
        return await rebuild(sink, self.reader, DeadLetters(self.producer, sink.name), ignore, **options)

    async def offsets(self) -> dict[int, int]:
        return (await self.dump(entities=False)).next_offsets

    def ends(self) -> dict[int, int]:
        return {number: log.end for number, log in enumerate(self.broker.logs[TOPIC.name])}

    @asynccontextmanager
    async def live(self) -> AsyncIterator[Health]:
        """The sink's loop at work; ends well, or raises what it died of."""
        sink = self.make_sink()
        stop, health = asyncio.Event(), Health(sink.name)
        loop = SinkLoop(
            sink, MemoryConsumer(self.broker, sink.name, [TOPIC.name]), DeadLetters(self.producer, sink.name),
            health, Watchdog(WAIT_S, exit_process=_no_exit), options=FAST,
        )  # fmt: skip
        task = asyncio.create_task(loop.run(stop))
        try:
            yield health
        finally:
            stop.set()
            await asyncio.wait_for(task, WAIT_S)

    async def until(self, what: str, condition: Callable[[], Awaitable[bool]]) -> None:
        deadline = time.monotonic() + WAIT_S
        while not await condition():
            assert time.monotonic() < deadline, what
            await asyncio.sleep(0.02)

    async def caught_up(self) -> None:
        """Wait until the store is at the end of the log."""

        async def is_so() -> bool:
            return await self.offsets() == self.ends()

        await self.until("the store is at the end of the log", is_so)

    async def check(self) -> None:
        """The store is what the log says, every bad record has its letter, and nothing lies beside it."""
        assert await self.problems() == []
        assert self.buried() == set((await self.dump()).dead)
        assert await self.beside() == set()

    def buried(self) -> set[tuple[int, int]]:
        """Partition and offset of the records that have an open letter."""
        return {(one.letter.partition, one.letter.offset) for one in open_letters(self.reader)}

    async def close(self) -> None:
        for sink in self._opened:
            await sink.store.close()


class Watched:
    """A shadow that tells at which step it is: prepared, fencing, fenced, filled, swapped, discarded."""

    def __init__(self, shadow: Shadow[Any], at: Moment) -> None:
        self._shadow = shadow
        self._at = at
        self.linger_s = shadow.linger_s

    @property
    def store(self) -> Any:
        return self._shadow.store

    async def prepare(self, *, resume: bool) -> bool:
        resumed = await self._shadow.prepare(resume=resume)
        await self._at("prepared")
        return resumed

    @asynccontextmanager
    async def fenced(self, consumer: str) -> AsyncIterator[Fence]:
        await self._at("fencing")
        async with self._shadow.fenced(consumer) as fence:
            await self._at("fenced")
            yield WatchedFence(fence, self._at)
        await self._at("swapped")

    async def discard(self) -> None:
        await self._shadow.discard()
        await self._at("discarded")


class WatchedFence:
    """As `Watched`."""

    def __init__(self, fence: Fence, at: Moment) -> None:
        self._fence = fence
        self._at = at
        self.stored: Vector = fence.stored
        self.vector: Vector = fence.vector

    async def swap(self, filled: Any) -> None:
        await self._at("filled")
        await self._fence.swap(filled)


def ignore(part: TopicPartition, at: int, end: int) -> None:
    """Progress that nobody watches."""


def _no_exit(code: int) -> None:
    raise AssertionError(f"the watchdog would exit with {code}")


def rising(rounds: int, start: int = 0, symbols: Sequence[str] = SYMBOLS) -> list[PriceBar]:
    """Daily bars of each symbol whose close rises day by day: its latest price never falls."""
    return [bar(name, days=day, close=10.0 + day) for day in range(start, start + rounds) for name in symbols]


def at(moment: str, act: Callable[[], Awaitable[None]]) -> Moment:
    """Do something once, when a rebuild gets there."""
    done: list[str] = []

    async def watch(now: str) -> None:
        if now == moment and not done:
            done.append(now)
            await act()

    return watch


async def interrupt() -> None:
    raise Interrupted


async def raised(work: Awaitable[Any]) -> Exception | None:
    """What it raises."""
    try:
        await work
    except AxiomError as error:
        return error
    return None


class ShadowSuite:
    """The suite; each test has a world of its own, empty."""

    async def test_the_store_comes_out_equal_with_higher_epochs(self, world: World) -> None:
        world.publish(rising(40))
        world.publish_poison(20)
        await world.fold()
        before = await world.dump()
        result = await world.rebuild()
        assert (result.records, result.dead, result.resumed) == (12 * 40 + 20, 20, False)
        after = await world.dump()
        assert (after.entities, after.dead) == (before.entities, before.dead)
        for number, old in before.offsets.items():
            new = after.offsets[number]
            assert new.epoch > old.epoch
            assert (new.next_offset, new.dead_lettered) == (old.next_offset, old.dead_lettered)
            assert new.applied + new.superseded == old.applied + old.superseded
        await world.check()

    async def test_what_was_damaged_is_mended(self, world: World) -> None:
        world.publish(rising(35))
        await world.fold()
        await world.damage()
        assert await world.problems() != []
        await world.rebuild()
        await world.check()

    async def test_a_store_that_was_lost_is_filled_to_the_end_and_every_bad_record_has_a_letter(
        self, world: World
    ) -> None:
        world.publish(rising(10))
        world.publish_poison(9)
        await world.fold()
        world.publish_poison(5, key=b"ZNEW")  # the sink has not read these, and will never
        await world.wipe()
        await world.rebuild()
        assert await world.offsets() == world.ends()
        await world.check()

    async def test_the_live_store_s_own_place_is_the_goal(self, world: World) -> None:
        """What its sink has not read is the sink's: bad records among it get their letters from it."""
        world.publish(rising(10))
        await world.fold()
        at_first = await world.offsets()
        world.publish_poison(9)
        await world.rebuild()
        assert await world.offsets() == at_first
        await world.fold()
        await world.check()

    async def test_a_live_sink_goes_on_by_itself_and_loses_nothing(self, world: World) -> None:
        world.publish(rising(30))
        async with world.live():
            await world.caught_up()
            total = 30
            seen: dict[str, float] = await world.prices()
            for _ in range(3):
                task = asyncio.create_task(world.rebuild())
                while not task.done():
                    world.publish(rising(1, start=total))
                    total += 1
                    prices = await world.prices()
                    assert prices.keys() >= seen.keys(), "symbols are missing"
                    older = {name: (at, prices[name]) for name, at in seen.items() if prices[name] < at}
                    assert not older, f"prices fell: {older}"
                    seen = prices
                    await asyncio.sleep(0.01)
                await task
                world.publish(rising(1, start=total))
                total += 1
                await world.caught_up()
            assert set((await world.prices()).values()) == {10.0 + total - 1}
        await world.check()  # its counts say that nothing was applied twice

    @pytest.mark.parametrize("moment", ["prepared", "fenced", "filled", "swapped"])
    async def test_cut_off_the_live_store_is_whole_and_a_rerun_finishes(
        self, world: World, moment: str
    ) -> None:
        world.publish(rising(20))
        await world.fold()
        dump, prices = await world.dump(), await world.prices()
        with pytest.raises(Interrupted):
            await world.rebuild(at(moment, interrupt))
        assert await world.problems() == []
        assert await world.prices() == prices
        assert (await world.dump()).entities == dump.entities
        world.publish(rising(1, start=20))
        await world.fold()
        assert await world.problems() == []
        result = await world.rebuild()
        if moment != "prepared":  # one that holds nothing yet may be begun anew
            assert result.resumed == (moment != "swapped")
        await world.check()

    async def test_a_rerun_goes_on_where_it_was_cut_off(self, world: World) -> None:
        world.publish(rising(40))
        await world.fold()

        def stop_half_way(part: TopicPartition, at: int, end: int) -> None:
            if part.partition == 1:
                raise Interrupted

        sink = world.sink()
        with pytest.raises(Interrupted):
            await rebuild(sink, world.reader, Nowhere(), stop_half_way)
        result = await world.rebuild()
        assert result.resumed
        assert 0 < result.records < 40 * 12
        await world.check()

    async def test_fresh_begins_anew(self, world: World) -> None:
        world.publish(rising(10))
        await world.fold()
        with pytest.raises(Interrupted):
            await world.rebuild(at("fenced", interrupt))
        result = await world.rebuild(resume=False)
        assert (result.resumed, result.records) == (False, 120)
        await world.check()

    async def test_a_writer_is_held_off_while_the_fence_stands(self, world: World) -> None:
        """It waits or is refused; after the swap it is refused, so that nothing of it is lost or doubled."""
        world.publish(rising(10))
        writer = await world.fold()
        world.publish(rising(1, start=10))
        held = await writer.store.load(writer.name, TOPIC.name, [0])
        batch = next_batch(world, writer, 0, held[0])
        tasks: list[asyncio.Task[int]] = []

        async def write() -> None:
            tasks.append(asyncio.create_task(writer.store.apply(batch, next(iter(writer.handlers.values())))))
            await asyncio.sleep(0)

        await world.rebuild(at("fenced", write))
        with pytest.raises(Fenced):
            await tasks[0]
        assert await world.problems() == []
        await world.fold(writer)
        await world.check()

    async def test_a_member_that_takes_partitions_meanwhile_is_in_the_new_store(self, world: World) -> None:
        world.publish(rising(10))
        taker = await world.fold()
        before = (await world.dump(entities=False)).offsets
        tasks: list[asyncio.Task[Any]] = []

        async def take() -> None:
            log = world.reader.identity(TOPIC.name)
            starts = dict.fromkeys(before, 0)
            work = retrying(100, Backoff(0.1, 0.2))(taker.store.take, taker.name, TOPIC.name, log, starts)
            tasks.append(asyncio.create_task(work))
            await asyncio.sleep(0)

        await world.rebuild(at("fenced", take))
        await tasks[0]
        after = (await world.dump(entities=False)).offsets
        for number, old in before.items():  # the fence, the swap and the taker raised it, each for itself
            assert after[number].epoch >= old.epoch + 3
            assert after[number].next_offset == old.next_offset
        await world.check()

    @pytest.mark.parametrize("resume", [True, False], ids=["going on", "fresh"])
    async def test_of_two_at_once_the_later_goes_on(self, world: World, resume: bool) -> None:
        world.publish(rising(10))
        await world.fold()
        first, second = world.sink(), world.sink()
        shadow = first.shadow()
        await shadow.prepare(resume=False)
        fold = LogFold(first, shadow.store, world.reader, ignore, Nowhere())
        await fold.take()
        await fold.fill(fold.ends())

        other = second.shadow()
        assert await other.prepare(resume=resume) == resume
        theirs = LogFold(second, other.store, world.reader, ignore, Nowhere())
        await theirs.take()
        with pytest.raises(Fenced, match="another rebuild"):
            async with shadow.fenced(first.name) as fence:
                await fence.swap(fold.positions)
        assert await world.problems() == []

        await theirs.fill(theirs.ends())
        async with other.fenced(second.name) as fence:
            await fence.swap(theirs.positions)
        await other.discard()
        await shadow.store.close()
        await other.store.close()
        await world.check()

    async def test_of_two_that_fill_one_shadow_one_is_told(self, world: World) -> None:
        world.publish(rising(10))
        await world.fold()
        sinks = [world.sink(), world.sink()]
        shadows = [sink.shadow() for sink in sinks]
        folds = []
        for sink, shadow in zip(sinks, shadows, strict=True):
            await shadow.prepare(resume=False)
            folds.append(LogFold(sink, shadow.store, world.reader, ignore, Nowhere()))
            await folds[-1].take()
        told = [await raised(fold.fill(fold.ends())) for fold in folds]
        assert set(map(type, told)) == {Fenced, type(None)}
        winner = told.index(None)
        async with shadows[winner].fenced(sinks[winner].name) as fence:
            await fence.swap(folds[winner].positions)
        await shadows[winner].discard()
        for shadow in shadows:
            await shadow.store.close()
        await world.check()

    async def test_cleaning_up_after_a_swap_leaves_the_next_rebuild_alone(self, world: World) -> None:
        world.publish(rising(10))
        await world.fold()

        async def cut_another_off() -> None:
            with pytest.raises(Interrupted):
                await world.rebuild(at("fenced", interrupt))

        await world.rebuild(at("swapped", cut_another_off))
        assert await world.problems() == []
        assert (await world.rebuild()).resumed
        await world.check()

    async def test_discarding_leaves_the_live_store_alone_and_can_be_repeated(self, world: World) -> None:
        world.publish(rising(5))
        await world.fold()
        sink = world.sink()
        shadow = sink.shadow()
        await shadow.prepare(resume=True)
        fold = LogFold(sink, shadow.store, world.reader, ignore, Nowhere())
        await fold.take()
        await fold.fill(fold.ends())
        assert await world.beside() != set()
        await shadow.discard()
        await shadow.discard()
        await shadow.store.close()
        await world.check()

    async def test_a_log_that_holds_less_than_the_store_is_refused_unless_that_is_accepted(
        self, world: World
    ) -> None:
        world.publish(rising(10))
        await world.fold()
        prices = await world.prices()
        world.broker.create(TOPIC.name, 3)
        world.publish(rising(2, symbols=SYMBOLS[:5]))
        with pytest.raises(LogMismatch, match="--accept-loss"):
            await world.rebuild()
        assert await world.prices() == prices
        world.publish_poison(3)
        await world.rebuild(accept_loss=True)
        assert await world.offsets() == world.ends()
        assert (await world.prices()).keys() == set(SYMBOLS[:5])
        await world.check()

    async def test_what_an_earlier_rebuild_left_of_a_log_that_is_gone_is_not_gone_on_with(
        self, world: World
    ) -> None:
        world.publish(rising(10))
        await world.fold()
        with pytest.raises(Interrupted):
            await world.rebuild(at("fenced", interrupt))
        world.broker.create(TOPIC.name, 3)
        world.publish(rising(3))
        result = await world.rebuild(accept_loss=True)
        assert (result.resumed, result.records) == (False, 36)
        await world.check()

    async def test_an_empty_log_makes_an_empty_store(self, world: World) -> None:
        result = await world.rebuild()
        assert result.records == 0
        await world.check()
        world.publish(rising(1))
        await world.fold()
        await world.check()


def next_batch(world: World, sink: Sink[Any], number: int, at: Position) -> Batch:
    """What the log holds beyond a position, as a batch."""
    part = TopicPartition(TOPIC.name, number)
    stretch = {part: LogRange(at.next_offset, world.ends()[number])}
    [records] = world.reader.read(stretch)
    [run] = decode_runs(records, {TOPIC.name: Decoder(TOPIC)}, {})
    return Batch(
        sink.name, *part, at.epoch, at.next_offset, run.next_offset, run.records, run.payloads
    )  # fmt: skip
