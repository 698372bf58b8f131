from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from axiom.bus.memory import MemoryProducer
from axiom.contracts.record import Message
from axiom.errors import DeliveryFailed, LogMismatch
from axiom.runtime.watchdog import STALLED
from axiom.stores.memory import MemoryStore
from tests.bars import bar
from tests.unit.axiom.runtime.harness import FAST, REFUSED, HandClock, World, partition
from topics import dead_letters
from topics.price_updates import TOPIC

pytestmark = pytest.mark.unit


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.end()


@pytest.fixture
async def wide() -> AsyncIterator[World]:
    made = World(partitions=4)
    yield made
    await made.end()


class TestNormally:
    async def test_everything_is_stored_and_committed(self, wide: World) -> None:
        wide.publish(bar(f"S{number % 20}", days=number // 20, close=1.0 + number) for number in range(400))
        member = wide.start()
        await wide.caught_up()
        assert len(wide.store.rows) == wide.total("applied") == 400
        await member.end()
        committed = wide.broker.committed["sink"]
        assert committed == {
            partition(number): at.next_offset for (_, _, number), at in wide.store.positions.items()
        }

    async def test_what_comes_later_is_stored_as_well(self, world: World) -> None:
        world.start()
        for number in range(5):
            world.publish([bar(days=number)])
            await world.caught_up()
        assert len(world.store.rows) == 5

    async def test_repeats_are_superseded(self, world: World) -> None:
        world.publish([bar(days=number) for number in range(10)] * 2)
        world.start()
        await world.caught_up()
        assert (world.total("applied"), world.total("superseded")) == (10, 10)

    async def test_health_tells_of_each_partition(self, world: World) -> None:
        member = world.start()
        assert member.health.summary()["status"] == "not_ready"
        world.publish([bar(days=number) for number in range(3)])
        await world.caught_up()
        await world.until(lambda: member.health.summary()["partitions"][0]["log_end"] == 3)
        summary = member.health.summary()
        assert (summary["status"], summary["not_ready"]) == ("ok", {})
        assert summary["partitions"] == [
            {
                "topic": TOPIC.name, "partition": 0, "next_offset": 3, "log_end": 3, "epoch": 1,
                "applied": 3, "superseded": 0, "dead_lettered": 0,
            }
        ]  # fmt: skip

    async def test_a_restart_goes_on_where_the_store_is(self, world: World) -> None:
        world.publish([bar(days=number) for number in range(10)])
        first = world.start()
        await world.caught_up()
        await first.end()
        world.publish([bar(days=number) for number in range(10, 15)])
        world.broker.committed["sink"][partition()] = 0  # what Kafka believes does not matter
        world.start()
        await world.caught_up()
        assert world.total("applied") == 15


class TestLingering:
    async def test_a_first_record_does_not_wait_and_later_ones_gather(self) -> None:
        world = World(linger_s=3600)
        world.publish([bar(days=0)])
        member = world.start()
        await world.caught_up()
        polls = member.consumer.polls
        world.publish([bar(days=1)])
        await asyncio.sleep(10 * FAST.poll_timeout_s)
        assert (world.stored, member.consumer.polls) == (1, polls)
        await member.end()  # which waits for nothing

    async def test_who_is_behind_does_not_linger(self) -> None:
        world = World(linger_s=3600, few_records=49)
        try:
            world.publish(bar(days=number) for number in range(3 * FAST.poll_records))
            world.start()
            await world.caught_up()
        finally:
            await world.end()


class TestPoison:
    async def test_each_bad_record_goes_to_dead_letters_and_no_other(self, world: World) -> None:
        world.publish([bar(days=0), bar(days=1)])
        world.publish_raw(b"AAPL", b"\xff\xfe garbage")
        world.publish_raw(b"AAPL", b'{"symbol":"AAPL"}')
        world.publish([bar(days=2)])
        world.publish_raw(None, None)
        world.publish_raw(b"AAPL", b"{}", version=b"9")
        world.publish([bar(days=3)])
        world.start()
        await world.caught_up()
        assert len(world.store.rows) == 4
        assert [(letter.offset, letter.error_class) for letter in world.letters()] == [
            (2, "invalid_payload"), (3, "invalid_payload"), (5, "null_value"), (6, "unknown_schema_version"),
        ]  # fmt: skip
        assert {key[3] for key in world.store.dead} == {2, 3, 5, 6}

    async def test_what_the_store_refuses_is_found_by_halving(self, world: World) -> None:
        closes = [REFUSED if number in (0, 17, 18, 49) else 1.0 for number in range(50)]
        world.publish(bar(days=number, close=close) for number, close in enumerate(closes))
        world.start()
        await world.caught_up()
        assert world.total("applied") == 46
        assert [(letter.offset, letter.error_class) for letter in world.letters()] == [
            (offset, "refused_by_store") for offset in (0, 17, 18, 49)
        ]
        assert set(world.store.dead.values()) == {"refused_by_store"}

    async def test_bad_and_refused_records_side_by_side(self, world: World) -> None:
        for number in range(30):
            if number % 3 == 0:
                world.publish_raw(b"AAPL", b"bad")
            else:
                world.publish([bar(days=number, close=REFUSED if number % 5 == 0 else 1.0)])
        world.start()
        await world.caught_up()
        refused = [number for number in range(30) if number % 3 and number % 5 == 0]
        bad = list(range(0, 30, 3))
        assert sorted(letter.offset for letter in world.letters()) == sorted(refused + bad)
        assert world.total("applied") == 30 - len(refused) - len(bad)

    async def test_without_dead_letters_the_offset_does_not_move(self, world: World) -> None:
        class Refused(MemoryProducer):
            async def send(self, message: Message, max_record_bytes: int) -> None:
                raise DeliveryFailed("1 records were not delivered")

        world.producer = Refused(world.broker)
        world.publish_raw(b"AAPL", b"bad")
        member = world.start()
        with pytest.raises(DeliveryFailed):
            await asyncio.wait_for(member.task, 10)
        assert world.stored == 0
        assert world.broker.records(dead_letters.TOPIC.name) == []


class TestStoreDown:
    async def test_the_sink_pauses_says_so_and_goes_on(self, world: World) -> None:
        member = world.start()
        world.publish([bar(days=0)])
        await world.caught_up()
        world.store.down = True
        world.publish([bar(days=number) for number in range(1, 200)])
        await world.until(lambda: "store_down" in member.health.not_ready)
        polls = member.consumer.polls
        await world.until(lambda: member.consumer.polls > polls + 3)
        assert world.stored == 1
        world.store.down = False
        await world.caught_up()
        assert member.health.not_ready == {}
        assert world.total("applied") == 200
        assert world.letters() == []

    async def test_a_store_that_is_down_at_the_start_is_awaited(self, world: World) -> None:
        world.store.down = True
        world.publish([bar()])
        member = world.start()
        await world.until(lambda: "store_down" in member.health.not_ready)
        world.store.down = False
        await world.caught_up()
        assert member.health.not_ready == {}

    async def test_a_store_that_is_down_when_partitions_come_is_awaited(self, world: World) -> None:
        member = world.start()
        await world.until(lambda: member.partitions == {0})
        world.store.down = True
        world.broker.create(TOPIC.name + "-other")
        world.broker.groups["sink"][0].reassign(set())
        world.broker.rebalance("sink")
        await world.until(lambda: "positions" in member.health.not_ready)
        world.publish([bar()])
        world.store.down = False
        await world.caught_up()
        assert member.health.not_ready == {}

    async def test_a_stop_during_an_outage_is_obeyed(self, world: World) -> None:
        world.store.down = True
        world.publish([bar()])
        member = world.start()
        await world.until(lambda: "store_down" in member.health.not_ready)
        await member.end()
        assert world.stored == 0

    async def test_writes_whose_answer_was_lost_are_counted_once(self, world: World) -> None:
        world.store.lose_answers = 3
        world.publish([bar(days=number % 150) for number in range(200)])
        world.start()
        await world.caught_up()
        assert (world.total("applied"), world.total("superseded")) == (150, 50)

    async def test_a_lost_answer_in_the_midst_of_halving(self, world: World) -> None:
        world.store.lose_answers = 4
        world.publish(bar(days=number, close=REFUSED if number == 7 else 1.0) for number in range(20))
        world.start()
        await world.caught_up()
        assert (world.total("applied"), world.total("dead_lettered")) == (19, 1)

    async def test_a_store_that_was_emptied_is_filled_again_from_the_log(self, world: World) -> None:
        world.publish([bar(days=number) for number in range(10)])
        world.start()
        await world.caught_up()
        world.store.rows = {}
        world.store.positions = {}
        world.publish([bar(days=10)])
        await world.caught_up()
        assert len(world.store.rows) == 11

    async def test_a_store_that_was_emptied_is_noticed_though_no_record_comes(self, wide: World) -> None:
        wide.publish(bar(f"S{number}") for number in range(40))
        wide.start()
        await wide.caught_up()
        rows = dict(wide.store.rows)
        wide.store.become(MemoryStore())
        await wide.caught_up()
        assert wide.store.rows == rows

    async def test_an_offset_that_was_lost_without_its_rows_is_counted_anew(self, wide: World) -> None:
        """Of one partition of several: what its records made is still there, so they change nothing."""
        wide.publish(bar(f"S{number}") for number in range(40))
        wide.start()
        await wide.caught_up()
        rows, lost = dict(wide.store.rows), wide.store.positions.pop(("sink", TOPIC.name, 2))
        await wide.caught_up()
        found = wide.store.positions["sink", TOPIC.name, 2]
        assert (found.applied, found.superseded) == (0, lost.applied + lost.superseded)
        assert wide.store.rows == rows


class TestOwnership:
    async def test_a_new_epoch_is_found_and_gone_on_with(self, world: World) -> None:
        """As a rebuild does it: it raises the epoch and swaps the data, and the sink goes on."""
        world.publish([bar(days=number) for number in range(10)])
        member = world.start()
        await world.caught_up()
        at = world.store.positions["sink", TOPIC.name, 0]
        world.store.positions["sink", TOPIC.name, 0] = replace(at, epoch=at.epoch + 5)
        world.publish([bar(days=number) for number in range(10, 20)])
        await world.caught_up()
        assert world.store.positions["sink", TOPIC.name, 0].epoch == at.epoch + 5
        assert len(world.store.rows) == 20
        assert member.partitions == {0}

    async def test_two_members_share_and_one_inherits(self, wide: World) -> None:
        first = wide.start()
        await wide.until(lambda: first.partitions == {0, 1, 2, 3})
        second = wide.start()
        await wide.until(lambda: len(first.partitions) == len(second.partitions) == 2)
        assert first.partitions | second.partitions == {0, 1, 2, 3}
        wide.publish(bar(f"S{number % 50}", days=number // 50) for number in range(500))
        await wide.caught_up()
        await first.end()
        wide.publish(bar(f"S{number % 50}", days=10 + number // 50) for number in range(500))
        await wide.caught_up()
        assert second.partitions == {0, 1, 2, 3}
        assert wide.total("applied") == len(wide.store.rows) == 1000

    async def test_members_that_come_and_go_lose_and_repeat_nothing(self, wide: World) -> None:
        wide.start()
        for round_ in range(6):
            wide.publish(bar(f"S{n % 40}", days=round_ * 5 + n // 40, close=1.0 + n) for n in range(200))
            wide.start()
            await asyncio.sleep(0.01)
            await wide.members[round_].end()
        await wide.caught_up()
        assert wide.total("applied") == len(wide.store.rows) == 1200

    async def test_a_partition_revoked_during_its_write_is_the_successors(self, world: World) -> None:
        world.publish([bar(days=number) for number in range(10)])
        zombie = world.start()
        world.store.gate.clear()
        await world.store.waiting.wait()
        successor = world.start()
        world.broker.groups["sink"].reverse()
        world.broker.rebalance("sink")
        await world.until(lambda: world.store.positions["sink", TOPIC.name, 0].epoch == 2)
        world.store.gate.set()
        await world.caught_up()
        assert (zombie.partitions, successor.partitions) == (set(), {0})
        assert world.total("applied") == 10
        world.publish([bar(days=10)])
        await world.caught_up()

    async def test_a_slow_write_keeps_its_place_in_the_group(self, world: World) -> None:
        world.publish([bar(days=number) for number in range(10)])
        member = world.start()
        world.store.gate.clear()
        await world.store.waiting.wait()
        world.publish([bar(days=number) for number in range(10, 300)])
        polls = member.consumer.polls
        await world.until(lambda: member.consumer.polls > polls + 5)
        assert world.stored == 0
        world.store.gate.set()
        await world.caught_up()
        assert world.total("applied") == 300


class TestStop:
    async def test_a_write_in_progress_is_finished(self, world: World) -> None:
        world.publish([bar(days=number) for number in range(10)])
        member = world.start()
        world.store.gate.clear()
        await world.store.waiting.wait()
        member.stop.set()
        world.store.gate.set()
        await asyncio.wait_for(member.task, 10)
        assert world.stored == 10
        assert world.broker.committed["sink"] == {partition(): 10}

    async def test_a_write_that_hangs_is_abandoned(self, world: World) -> None:
        world.publish([bar(days=number) for number in range(10)])
        member = world.start()
        world.store.gate.clear()
        await world.store.waiting.wait()
        await member.end()
        assert world.stored == 0
        world.store.gate.set()
        world.start()
        await world.caught_up()

    async def test_a_sink_without_work_stops(self, world: World) -> None:
        member = world.start()
        await world.until(lambda: member.partitions == {0})
        await member.end()
        assert world.broker.groups["sink"] == []

    async def test_a_sink_stops_while_kafka_is_down(self, world: World) -> None:
        member = world.start()
        await world.until(lambda: member.partitions == {0})
        world.broker.down = True
        await world.until(lambda: "kafka_down" in member.health.not_ready)
        await member.end()


class TestKafkaDown:
    async def test_the_sink_says_so_and_goes_on(self, world: World) -> None:
        world.publish([bar(days=0)])
        member = world.start()
        await world.caught_up()
        world.broker.down = True
        await world.until(lambda: "kafka_down" in member.health.not_ready)
        world.publish([bar(days=1)])
        world.broker.down = False
        await world.caught_up()
        await world.until(lambda: member.health.not_ready == {})

    async def test_a_kafka_that_is_down_at_the_start_is_awaited(self, world: World) -> None:
        world.publish([bar()])
        world.broker.down = True
        member = world.start()
        await world.until(lambda: "positions" in member.health.not_ready)
        world.broker.down = False
        await world.caught_up()


class TestLogMismatch:
    async def stands(self, world: World, why: str) -> None:
        member = world.members[-1]
        with pytest.raises(LogMismatch, match=why):
            await asyncio.wait_for(member.task, 10)
        assert why in member.health.not_ready["log_mismatch"], "it said so while it stood"

    async def test_a_topic_made_again_stops_the_sink(self, world: World) -> None:
        world.publish([bar(days=number) for number in range(10)])
        world.start()
        await world.caught_up()
        world.broker.create(TOPIC.name)
        world.publish([bar("MSFT", days=number) for number in range(20)])
        await self.stands(world, "deleted and made again")
        assert len(world.store.rows) == 10

    async def test_a_log_truncated_below_the_offset_stops_the_sink(self, world: World) -> None:
        world.publish([bar(days=number) for number in range(10)])
        first = world.start()
        await world.caught_up()
        await first.end()
        world.publish([bar(days=number) for number in range(10, 20)])
        world.broker.truncate(partition(), 15)
        world.start()
        await self.stands(world, "was truncated")

    async def test_a_log_that_lost_its_end_stops_the_sink(self, world: World) -> None:
        world.publish([bar(days=number) for number in range(10)])
        first = world.start()
        await world.caught_up()
        await first.end()
        world.broker.logs[TOPIC.name][0].records = world.broker.logs[TOPIC.name][0].records[:5]
        world.start()
        await self.stands(world, "the log lost records")

    async def test_more_partitions_stop_the_sink(self, world: World) -> None:
        world.publish([bar(days=number) for number in range(10)])
        first = world.start()
        await world.caught_up()
        await first.end()
        world.broker.logs[TOPIC.name].append(type(world.broker.logs[TOPIC.name][0])())
        world.start()
        await self.stands(world, "2 partitions")

    async def test_a_stop_ends_the_standing_without_an_error(self) -> None:
        world = World(options=replace(FAST, stand_s=60))
        world.publish([bar()])
        first = world.start()
        await world.caught_up()
        await first.end()
        world.broker.create(TOPIC.name)
        second = world.start()
        await world.until(lambda: "log_mismatch" in second.health.not_ready)
        await second.end()


class TestStandstill:
    async def test_a_write_that_hangs_ends_the_process(self, world: World) -> None:
        clock = HandClock()
        member = world.start(watched_by=clock)
        await world.until(lambda: member.partitions == {0})
        world.store.gate.clear()
        world.publish([bar()])
        await world.until(world.store.waiting.is_set)
        while not member.exits:
            await clock.step(world)
        assert member.exits == [STALLED]

    async def test_progress_counts_between_two_looks_at_the_log(self) -> None:
        """The last look saw records wait; they were written at once, and the next look is far away."""
        clock = HandClock()
        world = World(options=replace(FAST, inspect_s=60))
        world.publish([bar()])
        member = world.start(watched_by=clock)
        await world.caught_up()
        for _ in range(5):
            await clock.step(world)
        assert member.exits == []
        world.store.gate.clear()
        world.publish([bar(days=1)])
        await world.until(world.store.waiting.is_set)
        while not member.exits:
            await clock.step(world)
        assert member.exits == [STALLED]
        await world.end()

    async def test_an_outage_that_was_declared_does_not(self, world: World) -> None:
        clock = HandClock()
        member = world.start(watched_by=clock)
        await world.until(lambda: member.partitions == {0})
        world.store.down = True
        world.publish([bar()])
        await world.until(lambda: "store_down" in member.health.not_ready)
        for _ in range(2):  # longer than the watchdog's limit
            await clock.step(world)
        assert member.exits == []
        world.store.down = False
        await world.caught_up()
        assert member.exits == []
