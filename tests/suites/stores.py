"""What `axiom.stores.port` promises. A subclass gives the `world` it is tried on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

import pytest

from axiom.contracts.record import Record, TopicIdentity, TopicPartition
from axiom.errors import Fenced, Permanent, StoreDown
from axiom.stores.port import Batch, Position, Store

TOPIC = "numbers"
LOG = TopicIdentity("topic-id", 6)


class Number(NamedTuple):
    """The suite's payload: of each name a store keeps the greatest number."""

    name: str
    number: int


class World(Protocol):
    """One place in one store, and handlers in that store's terms."""

    handler: Any
    """Keeps each name's greatest number; applied are the names that changed."""
    poison: Any
    """As `handler`, but the store refuses a batch with a number of 666: some rows may be written before."""

    def member(self) -> Store[Any]:
        """A store of its own, as another process would have it, on the same place."""

    def absent(self) -> Store[Any]:
        """The same kind of store where no server listens."""

    async def rows(self) -> dict[str, int]:
        """What the handler has written."""

    async def dead(self, consumer: str) -> dict[tuple[int, int], str]:
        """Partition and offset of dead-lettered records, with their error class."""


class StoreSuite:
    """The suite; each test has a world and a consumer name of its own."""

    fenced_write_is_atomic = True
    """Whether of two writers with one epoch only one can get through; Chroma has no transactions."""
    rehearsal_sees_rows = True
    """Whether a rehearsal runs on what is stored; Redis can't undo, so there it runs in an empty database."""
    rehearsal_is_refused = True
    """Whether a rehearsal tries what the store refuses; in Chroma it stops before the store."""

    @pytest.fixture
    async def store(self, world: World) -> Store[Any]:
        store = world.member()
        await store.setup()
        return store

    @pytest.fixture
    def consumer(self) -> str:
        return f"suite-{uuid4().hex[:10]}"

    async def test_a_new_partition_begins_where_the_log_does(self, store: Store[Any], consumer: str) -> None:
        taken = await store.take(consumer, TOPIC, LOG, {0: 0, 3: 17})
        assert {number: (at.next_offset, at.log) for number, at in taken.items()} == {
            0: (0, LOG),
            3: (17, LOG),
        }
        assert all(at.epoch >= 1 for at in taken.values())
        assert {(at.applied, at.superseded, at.dead_lettered) for at in taken.values()} == {(0, 0, 0)}
        assert await store.load(consumer, TOPIC, [0, 3]) == taken

    async def test_taking_raises_the_epoch_and_nothing_else(
        self, world: World, store: Store[Any], consumer: str
    ) -> None:
        first = (await store.take(consumer, TOPIC, LOG, {0: 5}))[0]
        await store.apply(batch(consumer, first, [("a", 1)]), world.handler)
        other = TopicIdentity("another-id", 9)
        again = (await store.take(consumer, TOPIC, other, {0: 99}))[0]
        assert again.epoch > first.epoch
        assert again == Position(6, again.epoch, LOG, applied=1), "the log is the one the rows came from"

    async def test_loading_changes_nothing_and_leaves_out_what_is_not_known(
        self, store: Store[Any], consumer: str
    ) -> None:
        assert await store.load(consumer, TOPIC, [0, 1]) == {}
        taken = await store.take(consumer, TOPIC, LOG, {1: 4})
        assert await store.load(consumer, TOPIC, [0, 1]) == taken
        assert await store.load(consumer, TOPIC, [0, 1]) == taken
        assert await store.load(consumer, TOPIC, []) == {}

    async def test_it_says_how_much_it_holds(self, world: World, store: Store[Any], consumer: str) -> None:
        at = (await store.take(consumer, TOPIC, LOG, {0: 0}))[0]
        await store.apply(batch(consumer, at, [("a", 1)]), world.handler)
        held = await store.contents()
        assert held.size_bytes is None or held.size_bytes > 0
        assert all(count >= 0 for count in held.entities.values())
        with pytest.raises(StoreDown):
            await world.absent().contents()

    async def test_all_positions_are_those_of_one_consumer_in_every_topic(
        self, store: Store[Any], consumer: str
    ) -> None:
        assert await store.all_positions(consumer) == {}
        numbers = await store.take(consumer, TOPIC, LOG, {0: 3, 1: 4})
        letters = await store.take(consumer, "letters", LOG, {0: 0})
        await store.take(consumer + "-2", TOPIC, LOG, {5: 1})
        assert await store.all_positions(consumer) == {
            TopicPartition(TOPIC, 0): numbers[0],
            TopicPartition(TOPIC, 1): numbers[1],
            TopicPartition("letters", 0): letters[0],
        }

    async def test_consumers_and_topics_are_apart(
        self, world: World, store: Store[Any], consumer: str
    ) -> None:
        mine = (await store.take(consumer, TOPIC, LOG, {0: 0}))[0]
        await store.apply(batch(consumer, mine, [("a", 1)]), world.handler)
        assert await store.load(consumer, "letters", [0]) == {}
        assert await store.load(consumer + "-2", TOPIC, [0]) == {}
        assert (await store.take(consumer + "-2", TOPIC, LOG, {0: 0}))[0].next_offset == 0
        assert (await store.take(consumer, "letters", LOG, {0: 0}))[0].next_offset == 0

    async def test_rows_offset_and_counts_move_together(
        self, world: World, store: Store[Any], consumer: str
    ) -> None:
        at = (await store.take(consumer, TOPIC, LOG, {2: 10}))[2]
        first = batch(consumer, at, [("a", 1), ("b", 5), ("a", 3)], partition=2)
        assert await store.apply(first, world.handler) == 2
        assert await world.rows() == {"a": 3, "b": 5}
        at = (await store.load(consumer, TOPIC, [2]))[2]
        assert (at.next_offset, at.applied, at.superseded) == (13, 2, 1)
        second = batch(consumer, at, [("a", 2), ("b", 6), ("c", 1)], partition=2)
        assert await store.apply(second, world.handler) == 2
        assert await world.rows() == {"a": 3, "b": 6, "c": 1}
        at = (await store.load(consumer, TOPIC, [2]))[2]
        assert (at.next_offset, at.applied, at.superseded, at.dead_lettered) == (16, 4, 2, 0)

    async def test_a_batch_may_end_beyond_its_last_record(
        self, world: World, store: Store[Any], consumer: str
    ) -> None:
        at = (await store.take(consumer, TOPIC, LOG, {0: 2**40}))[0]
        gap = batch(consumer, at, [("a", 1)])
        await store.apply(replaced(gap, next_offset=2**40 + 1000), world.handler)
        assert (await store.load(consumer, TOPIC, [0]))[0].next_offset == 2**40 + 1000

    async def test_dead_offsets_are_kept_beside_the_offset(
        self, world: World, store: Store[Any], consumer: str
    ) -> None:
        at = (await store.take(consumer, TOPIC, LOG, {1: 0}))[1]
        mixed = batch(consumer, at, [("a", 1)], partition=1)
        mixed = replaced(mixed, next_offset=4, dead=[(1, "null_value"), (3, "invalid_payload")])
        assert await store.apply(mixed, world.handler) == 1
        at = (await store.load(consumer, TOPIC, [1]))[1]
        assert (at.next_offset, at.applied, at.superseded, at.dead_lettered) == (4, 1, 0, 2)
        assert await world.dead(consumer) == {(1, 1): "null_value", (1, 3): "invalid_payload"}

    async def test_a_batch_of_dead_records_alone_needs_no_handler(
        self, world: World, store: Store[Any], consumer: str
    ) -> None:
        at = (await store.take(consumer, TOPIC, LOG, {0: 0}))[0]
        dead = replaced(batch(consumer, at, []), next_offset=1, dead=[(0, "key_mismatch")])
        assert await store.apply(dead, world.poison) == 0
        at = (await store.load(consumer, TOPIC, [0]))[0]
        assert (at.next_offset, at.applied, at.superseded, at.dead_lettered) == (1, 0, 0, 1)
        assert await world.dead(consumer) == {(0, 0): "key_mismatch"}
        assert await world.rows() == {}

    @pytest.mark.parametrize(
        ("epoch", "offset"),
        [(-1, 0), (1, 0), (0, -1), (0, 1)],
        ids=["old epoch", "new epoch", "before", "beyond"],
    )
    async def test_another_epoch_or_offset_is_fenced_and_writes_nothing(
        self, world: World, store: Store[Any], consumer: str, epoch: int, offset: int
    ) -> None:
        at = (await store.take(consumer, TOPIC, LOG, {0: 5}))[0]
        at = (await store.take(consumer, TOPIC, LOG, {0: 5}))[0]
        wrong = batch(consumer, at, [("a", 1)])
        wrong = replaced(
            wrong, epoch=at.epoch + epoch, expected_offset=5 + offset, next_offset=9, dead=[(7, "null_value")]
        )
        with pytest.raises(Fenced):
            await store.apply(wrong, world.handler)
        assert await store.load(consumer, TOPIC, [0]) == {0: at}
        assert await world.rows() == {}
        assert await world.dead(consumer) == {}

    async def test_a_partition_that_nobody_took_is_fenced(
        self, world: World, store: Store[Any], consumer: str
    ) -> None:
        with pytest.raises(Fenced):
            await store.apply(batch(consumer, Position(0, 0, LOG), [("a", 1)]), world.handler)
        assert await world.rows() == {}

    async def test_a_batch_is_written_once(self, world: World, store: Store[Any], consumer: str) -> None:
        at = (await store.take(consumer, TOPIC, LOG, {0: 0}))[0]
        once = batch(consumer, at, [("a", 1)])
        await store.apply(once, world.handler)
        with pytest.raises(Fenced):
            await store.apply(once, world.handler)
        assert (await store.load(consumer, TOPIC, [0]))[0].applied == 1

    async def test_what_the_store_refuses_leaves_nothing_and_harms_nothing(
        self, world: World, store: Store[Any], consumer: str
    ) -> None:
        at = (await store.take(consumer, TOPIC, LOG, {0: 0}))[0]
        bad = replaced(batch(consumer, at, [("a", 1), ("b", 666)]), dead=[(5, "null_value")])
        with pytest.raises(Permanent):
            await store.apply(bad, world.poison)
        assert await store.load(consumer, TOPIC, [0]) == {0: at}
        assert await world.rows() == {}
        assert await world.dead(consumer) == {}
        assert await store.apply(batch(consumer, at, [("a", 1)]), world.poison) == 1
        assert await world.rows() == {"a": 1}

    async def test_the_successor_fences_its_predecessor(
        self, world: World, store: Store[Any], consumer: str
    ) -> None:
        old = (await store.take(consumer, TOPIC, LOG, {0: 0}))[0]
        await store.apply(batch(consumer, old, [("a", 1)]), world.handler)
        old = (await store.load(consumer, TOPIC, [0]))[0]
        successor = world.member()
        new = (await successor.take(consumer, TOPIC, LOG, {0: 0}))[0]
        assert (new.next_offset, new.applied) == (1, 1)
        with pytest.raises(Fenced):
            await store.apply(batch(consumer, old, [("a", 100)]), world.handler)
        assert await world.rows() == {"a": 1}
        assert await successor.apply(batch(consumer, new, [("a", 2)]), world.handler) == 1
        assert await world.rows() == {"a": 2}

    async def test_of_writers_at_one_time_one_gets_through(
        self, world: World, store: Store[Any], consumer: str
    ) -> None:
        if not self.fenced_write_is_atomic:
            pytest.skip("no transactions: the order of versions keeps a second writer harmless instead")
        at = (await store.take(consumer, TOPIC, LOG, {0: 0}))[0]
        members = [world.member() for _ in range(4)]
        tries = [
            member.apply(batch(consumer, at, [(f"of-{number}", 1)]), world.handler)
            for number, member in enumerate(members)
        ]
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Fenced", "Fenced", "Fenced", "int"]
        assert len(await world.rows()) == 1
        assert (await store.load(consumer, TOPIC, [0]))[0].applied == 1

    async def test_takers_at_one_time_get_epochs_of_their_own(
        self, world: World, store: Store[Any], consumer: str
    ) -> None:
        members = [world.member() for _ in range(4)]
        taken = await asyncio.gather(*(member.take(consumer, TOPIC, LOG, {0: 0, 1: 0}) for member in members))
        for number in (0, 1):
            epochs = [positions[number].epoch for positions in taken]
            assert len(set(epochs)) == 4
            assert (await store.load(consumer, TOPIC, [number]))[number].epoch == max(epochs)
            owner = taken[epochs.index(max(epochs))][number]
            await store.apply(batch(consumer, owner, [("a", number)], partition=number), world.handler)

    async def test_setup_is_harmless_to_repeat_and_by_several_at_once(
        self, world: World, consumer: str
    ) -> None:
        members = [world.member() for _ in range(4)]
        await asyncio.gather(*(member.setup() for member in members))
        at = (await members[0].take(consumer, TOPIC, LOG, {0: 0}))[0]
        await members[0].apply(batch(consumer, at, [("a", 1)]), world.handler)
        await asyncio.gather(*(member.setup() for member in members))
        assert await world.rows() == {"a": 1}
        assert (await members[3].load(consumer, TOPIC, [0]))[0].next_offset == 1
        await members[1].ping()

    async def test_a_large_batch(self, world: World, store: Store[Any], consumer: str) -> None:
        at = (await store.take(consumer, TOPIC, LOG, {0: 0}))[0]
        pairs = [(f"n{number % 5000}", number) for number in range(6000)]
        large = batch(consumer, at, pairs)
        large = replaced(large, next_offset=12_000, dead=[(offset, "x") for offset in range(6000, 9000)])
        assert await store.apply(large, world.handler) == 5000
        rows = await world.rows()
        assert len(rows) == 5000
        assert (rows["n0"], rows["n999"], rows["n4999"]) == (5000, 5999, 4999)
        at = (await store.load(consumer, TOPIC, [0]))[0]
        assert (at.applied, at.superseded, at.dead_lettered) == (5000, 1000, 3000)
        assert len(await world.dead(consumer)) == 3000

    async def test_a_rehearsal_counts_and_changes_nothing(
        self, world: World, store: Store[Any], consumer: str
    ) -> None:
        at = (await store.take(consumer, TOPIC, LOG, {0: 0}))[0]
        await store.apply(batch(consumer, at, [("a", 5)]), world.handler)
        before = await store.load(consumer, TOPIC, [0])
        trial = replaced(batch(consumer, at, [("a", 4), ("b", 1), ("a", 6)]), epoch=0, expected_offset=77)
        assert await store.rehearse(trial, world.handler) == 2
        older = replaced(trial, records=trial.records[:1], payloads=trial.payloads[:1])
        assert await store.rehearse(older, world.handler) == (0 if self.rehearsal_sees_rows else 1)
        if self.rehearsal_is_refused:
            with pytest.raises(Permanent):
                await store.rehearse(batch(consumer, at, [("b", 666)]), world.poison)
        assert await world.rows() == {"a": 5}
        assert await store.load(consumer, TOPIC, [0]) == before

    async def test_where_no_server_listens_every_call_says_so(self, world: World, consumer: str) -> None:
        absent = world.absent()
        one = batch(consumer, Position(0, 1, LOG), [("a", 1)])
        for call in (
            absent.ping(),
            absent.setup(),
            absent.take(consumer, TOPIC, LOG, {0: 0}),
            absent.load(consumer, TOPIC, [0]),
            absent.apply(one, world.handler),
            absent.rehearse(one, world.handler),
        ):
            with pytest.raises(StoreDown):
                await call
        await absent.close()

    async def test_closing_is_harmless_to_repeat(self, world: World) -> None:
        store = world.member()
        await store.setup()
        await store.close()
        await store.close()


def batch(consumer: str, at: Position, pairs: Sequence[tuple[str, int]], partition: int = 0) -> Batch:
    """The pairs as a batch that goes on at a position."""
    start = at.next_offset
    records = [
        Record(TOPIC, partition, start + row, 0, name.encode(), b"%d" % number, ())
        for row, (name, number) in enumerate(pairs)
    ]
    payloads = [Number(*pair) for pair in pairs]
    return Batch(consumer, TOPIC, partition, at.epoch, start, start + len(pairs), records, payloads)


def replaced(one: Batch, **fields: Any) -> Batch:
    """The batch with other fields."""
    return Batch(**{name: fields.get(name, getattr(one, name)) for name in Batch.__dataclass_fields__})


def greatest(batch: Batch) -> Mapping[str, int]:
    """Each name's greatest number in the batch."""
    found: dict[str, int] = {}
    for name, number in batch.payloads:
        found[name] = max(number, found.get(name, number))
    return found
