"""What `axiom.bus.port` promises. A subclass gives the `world` it is tried on."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from base64 import b64decode
from collections.abc import Callable, Iterable
from typing import Protocol
from uuid import uuid4

import pytest

from axiom.bus.deadletters import KEPT_OF_TOO_LARGE_BYTES, DeadLetters, publish
from axiom.bus.port import Consumer, LogReader, Producer
from axiom.contracts.codec import Decoder
from axiom.contracts.headers import new_traceparent
from axiom.contracts.payload import Payload
from axiom.contracts.record import Headers, LogRange, Message, Record, TopicPartition
from axiom.contracts.topic import Topic
from axiom.errors import BadRecord, LogMismatch, RecordTooLarge
from topics import dead_letters
from topics.dead_letters import DeadLetter

WAIT_S = 60.0
MIB = 1024 * 1024


class World(Protocol):
    """A message log and its administrator."""

    def create(self, name: str, partitions: int = 1) -> None:
        """Make a topic."""

    def delete(self, name: str) -> None:
        """Delete a topic; returns when it is gone."""

    def truncate(self, partition: TopicPartition, before: int) -> None:
        """Delete the records below an offset."""

    def producer(self) -> Producer:
        """A producer; the world closes it."""

    def cut_off_producer(self) -> tuple[Producer, Callable[[], None]]:
        """A producer that can't reach the log until the function is called."""

    def consumer(self, group: str, *topics: str) -> Consumer:
        """A group member; the world closes it if the test did not."""

    def reader(self) -> LogReader:
        """A reader outside any group."""

    def committed(self, group: str) -> dict[TopicPartition, int]:
        """How far the group has said it is."""


class Member:
    """A consumer that does what the sink loop does: it starts what it is assigned at a given offset."""

    def __init__(self, consumer: Consumer, start: int | None = 0) -> None:
        """With `start` None, assigned partitions are left as they are."""
        self.consumer = consumer
        self.records: list[Record] = []
        self.assigned: list[TopicPartition] = []
        self.revoked: list[TopicPartition] = []
        self._start = start

    def poll(self) -> None:
        polled = self.consumer.poll(1000, 0.05)
        self.revoked += polled.revoked
        self.assigned += polled.assigned
        if polled.assigned and self._start is not None:
            self.consumer.start_at(dict.fromkeys(polled.assigned, self._start))
        self.records += polled.records

    def poll_until(self, condition: Callable[[], bool]) -> None:
        wait_for(condition, self)

    def read(self, count: int) -> list[Record]:
        """The next records, and none beyond them that is there already."""
        before = len(self.records)
        self.poll_until(lambda: len(self.records) >= before + count)
        self.poll_a_while()
        assert len(self.records) == before + count
        return self.records[before:]

    def poll_a_while(self) -> None:
        """Long enough for a fetch that is under way to come in."""
        for _ in range(6):
            self.poll()


def wait_for(condition: Callable[[], bool], *members: Member) -> None:
    """Poll every member until the condition holds."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come to hold"
        for member in members:
            member.poll()


def message(topic: str, key: bytes | None, value: bytes | None, headers: Headers = ()) -> Message:
    return Message(topic, key, value, headers)


async def send(producer: Producer, topic: str, values: Iterable[bytes], key: bytes | None = b"k") -> None:
    """Send and wait until all are confirmed."""
    for value in values:
        await producer.send(message(topic, key, value), MIB)
    await producer.flush()


def numbers(count: int, start: int = 0) -> list[bytes]:
    return [b"%d" % number for number in range(start, start + count)]


def values(records: Iterable[Record]) -> list[bytes | None]:
    return [record.value for record in records]


def part(topic: str, number: int = 0) -> TopicPartition:
    return TopicPartition(topic, number)


class Blob(Payload):
    """A payload of any size."""

    name: str
    text: str


class BusSuite:
    """The suite; `topic` is a name that nobody else uses, with one partition."""

    @pytest.fixture
    def topic(self, world: World) -> str:
        name = f"suite-{uuid4().hex[:12]}"
        world.create(name)
        return name

    @pytest.fixture
    def wide_topic(self, world: World) -> str:
        name = f"suite-wide-{uuid4().hex[:12]}"
        world.create(name, 4)
        return name

    async def test_records_of_a_key_keep_their_order_in_one_partition(
        self, world: World, wide_topic: str
    ) -> None:
        producer = world.producer()
        sent = [(b"key-%d" % (number % 7), b"%d" % number) for number in range(350)]
        for key, value in sent:
            await producer.send(message(wide_topic, key, value), MIB)
        await producer.flush()
        read = Member(world.consumer(wide_topic, wide_topic)).read(350)
        for key in {key for key, _ in sent}:
            own = [record for record in read if record.key == key]
            assert values(own) == [value for other, value in sent if other == key]
            assert len({record.partition for record in own}) == 1
        assert len({record.partition for record in read}) > 1
        for number in range(4):
            offsets = [record.offset for record in read if record.partition == number]
            assert offsets == list(range(len(offsets)))

    async def test_a_record_arrives_whole(self, world: World, topic: str) -> None:
        traceparent = new_traceparent()
        headers: Headers = (
            ("traceparent", traceparent), ("schema-version", b"1"), ("empty", b""), ("bytes", b"\xff\x00"),
            ("twice", b"1"), ("twice", b"2"), ("ünicode", b"x"),
        )  # fmt: skip
        sent = [
            message(topic, b"key", b'{"a":1}', headers),
            message(topic, None, b"no key"),
            message(topic, b"", b"empty key"),
            message(topic, b"no value", None),
            message(topic, b"empty value", b""),
            message(topic, b"\xff\x00", bytes(range(256))),
        ]
        producer = world.producer()
        for one in sent:
            await producer.send(one, MIB)
        await producer.flush()
        read = Member(world.consumer(topic, topic)).read(len(sent))
        assert [message(r.topic, r.key, r.value, r.headers) for r in read] == sent
        assert [(r.partition, r.offset) for r in read] == [(0, offset) for offset in range(len(sent))]
        assert read[0].header("traceparent") == traceparent

    async def test_flush_returns_when_the_log_has_the_records(self, world: World, topic: str) -> None:
        await send(world.producer(), topic, numbers(500))
        assert world.reader().ranges(topic) == {part(topic): LogRange(0, 500)}

    async def test_assigned_partitions_deliver_nothing_until_they_are_started(
        self, world: World, topic: str
    ) -> None:
        await send(world.producer(), topic, numbers(10))
        member = Member(world.consumer(topic, topic), start=None)
        member.poll_until(lambda: member.assigned == [part(topic)])
        member.poll_a_while()
        assert member.records == []
        member.consumer.start_at({part(topic): 4})
        assert values(member.read(6)) == numbers(6, start=4)

    async def test_start_at_drops_what_was_read_ahead(self, world: World, topic: str) -> None:
        await send(world.producer(), topic, numbers(100))
        member = Member(world.consumer(topic, topic))
        member.poll_until(lambda: bool(member.assigned))
        wait_for(lambda: bool(member.consumer.poll(1, 0.05).records))
        for offset in (90, 0, 50):
            member.consumer.start_at({part(topic): offset})
            assert values(member.read(100 - offset)) == numbers(100 - offset, start=offset)

    async def test_started_at_the_end_the_next_record_is_the_first(self, world: World, topic: str) -> None:
        producer = world.producer()
        await send(producer, topic, numbers(5))
        member = Member(world.consumer(topic, topic), start=5)
        member.poll_until(lambda: bool(member.assigned))
        member.poll_a_while()
        assert member.records == []
        await send(producer, topic, numbers(1, start=5))
        assert values(member.read(1)) == [b"5"]

    async def test_a_poll_gives_no_more_than_asked_for(self, world: World, topic: str) -> None:
        await send(world.producer(), topic, numbers(50))
        member = Member(world.consumer(topic, topic))
        member.poll_until(lambda: bool(member.assigned))
        member.consumer.start_at({part(topic): 0})
        sizes: list[int] = []

        def poll_seven() -> bool:
            sizes.append(len(member.consumer.poll(7, 0.05).records))
            return sum(sizes) >= 50

        wait_for(poll_seven)
        assert sum(sizes) == 50
        assert max(sizes) <= 7

    async def test_paused_partitions_deliver_nothing_and_resumed_ones_go_on(
        self, world: World, topic: str
    ) -> None:
        producer = world.producer()
        await send(producer, topic, numbers(10))
        member = Member(world.consumer(topic, topic))
        member.read(10)
        member.consumer.pause([part(topic)])
        await send(producer, topic, numbers(10, start=10))
        member.poll_a_while()
        assert values(member.records) == numbers(10)
        assert member.consumer.assignment() == {part(topic)}
        member.consumer.resume([part(topic)])
        assert values(member.read(10)) == numbers(10, start=10)

    async def test_pausing_or_resuming_what_is_not_ours_is_harmless(self, world: World, topic: str) -> None:
        member = Member(world.consumer(topic, topic))
        member.poll_until(lambda: bool(member.assigned))
        member.consumer.pause([part(topic, 9), part("no-such-topic")])
        member.consumer.resume([part(topic, 9)])
        member.consumer.mark_done(part(topic, 9), 5)

    async def test_two_members_share_the_partitions_and_one_inherits_them(
        self, world: World, wide_topic: str
    ) -> None:
        every = {part(wide_topic, number) for number in range(4)}
        first = Member(world.consumer(wide_topic, wide_topic))
        first.poll_until(lambda: first.consumer.assignment() == every)
        second = Member(world.consumer(wide_topic, wide_topic))
        both = (first, second)
        wait_for(lambda: len(first.revoked) == 2 and len(second.assigned) == 2, *both)
        assert first.consumer.assignment() | second.consumer.assignment() == every
        assert set(first.revoked) == second.consumer.assignment()
        producer = world.producer()
        for number in range(40):
            await producer.send(message(wide_topic, b"%d" % number, b"v"), MIB)
        await producer.flush()
        wait_for(lambda: sum(len(member.records) for member in both) >= 40, *both)
        keys = [record.key for member in both for record in member.records]
        assert sorted(keys, key=lambda key: int(key or 0)) == [b"%d" % number for number in range(40)]
        second.consumer.close()
        first.poll_until(lambda: len(first.assigned) == 6)
        assert first.consumer.assignment() == every
        assert set(first.assigned[-2:]) == set(second.assigned)

    async def test_what_is_done_is_committed(self, world: World, topic: str) -> None:
        await send(world.producer(), topic, numbers(10))
        member = Member(world.consumer(topic, topic))
        member.read(10)
        assert world.committed(topic) == {}
        member.consumer.mark_done(part(topic), 7)
        member.poll_until(lambda: world.committed(topic) == {part(topic): 7})
        member.consumer.mark_done(part(topic), 10)
        member.consumer.close()
        assert world.committed(topic) == {part(topic): 10}

    async def test_a_new_member_can_ask_what_is_done(self, world: World, wide_topic: str) -> None:
        await send(world.producer(), wide_topic, numbers(10))
        member = Member(world.consumer(wide_topic, wide_topic))
        member.poll_until(lambda: len(member.consumer.assignment()) == 4)
        assert member.consumer.done(member.consumer.assignment()) == {}
        member.consumer.mark_done(part(wide_topic, 2), 0)
        member.consumer.close()
        heir = world.consumer(wide_topic, wide_topic)
        assert heir.done([part(wide_topic, 1), part(wide_topic, 2)]) == {part(wide_topic, 2): 0}

    async def test_what_is_done_is_never_read_back(self, world: World, topic: str) -> None:
        await send(world.producer(), topic, numbers(10))
        member = Member(world.consumer(topic, topic))
        member.read(10)
        member.consumer.mark_done(part(topic), 10)
        member.consumer.close()
        assert values(Member(world.consumer(topic, topic), start=3).read(7)) == numbers(7, start=3)

    @pytest.mark.parametrize("start", [2, 11], ids=["below its beginning", "after its end"])
    async def test_an_offset_that_the_log_does_not_have_is_a_log_mismatch(
        self, world: World, topic: str, start: int
    ) -> None:
        await send(world.producer(), topic, numbers(10))
        world.truncate(part(topic), 5)
        member = Member(world.consumer(topic, topic), start=start)
        with pytest.raises(LogMismatch, match=f"{topic}.0"):
            member.poll_until(lambda: False)

    async def test_a_log_whose_beginning_is_gone_is_read_from_where_it_begins(
        self, world: World, topic: str
    ) -> None:
        await send(world.producer(), topic, numbers(10))
        world.truncate(part(topic), 5)
        members = [Member(world.consumer(f"{topic}-{number}", topic), start=5) for number in range(8)]
        for member in members:
            assert values(member.read(5)) == numbers(10)[5:]

    async def test_the_log_range_is_what_the_partition_holds(self, world: World, topic: str) -> None:
        consumer = world.consumer(topic, topic)
        assert consumer.log_ranges([part(topic)])[part(topic)] == LogRange(0, 0)
        await send(world.producer(), topic, numbers(10))
        assert consumer.log_ranges([part(topic)])[part(topic)] == LogRange(0, 10)
        world.truncate(part(topic), 4)
        assert consumer.log_ranges([part(topic)])[part(topic)] == LogRange(4, 10)

    async def test_a_topic_made_again_has_another_identity(self, world: World, topic: str) -> None:
        consumer = world.consumer(topic, topic)
        first = consumer.identities([topic])[topic]
        assert first == consumer.identities([topic])[topic]
        assert first.partitions == 1
        world.delete(topic)
        with pytest.raises(LogMismatch, match=topic):
            consumer.identities([topic])[topic]
        world.create(topic)
        again = consumer.identities([topic])[topic]
        assert again.topic_id != first.topic_id

    async def test_a_deleted_topic_is_revoked_and_assigned_when_it_is_made_again(
        self, world: World, topic: str
    ) -> None:
        producer = world.producer()
        await send(producer, topic, numbers(3))
        member = Member(world.consumer(topic, topic))
        member.read(3)
        world.delete(topic)
        member.poll_until(lambda: part(topic) in member.revoked)
        world.create(topic)
        member.poll_until(lambda: len(member.assigned) == 2)
        await send(world.producer(), topic, numbers(1, start=7))
        assert values(member.read(1)) == [b"7"]

    async def test_a_record_over_the_limit_is_refused_and_nothing_is_sent(
        self, world: World, topic: str
    ) -> None:
        producer = world.producer()
        for too_large in (
            message(topic, b"k", bytes(2000)),
            message(topic, bytes(2000), b"v"),
            message(topic, b"k", b"v", (("name", bytes(2000)),)),
            message(topic, b"k", b"v", (("n" * 2000, b""),)),
        ):
            with pytest.raises(RecordTooLarge, match=topic) as refusal:
                await producer.send(too_large, 2000)
            assert refusal.value.size_bytes > refusal.value.limit_bytes == 2000
        await send(producer, topic, [b"fits"])
        assert values(Member(world.consumer(topic, topic)).read(1)) == [b"fits"]

    async def test_a_payload_that_is_too_large_becomes_a_dead_letter(self, world: World, topic: str) -> None:
        declared = Topic(
            name=topic, summary="", key="name", payload=Blob, key_of=lambda blob: blob.name,
            id_of=lambda blob: blob.name, max_record_bytes=100_000,
        )  # fmt: skip
        producer = world.producer()
        assert await publish(producer, declared, Blob(name="small", text="x"), "tester")
        assert not await publish(producer, declared, Blob(name="large", text="x" * 200_000), "tester")
        await producer.flush()
        assert [r.key for r in Member(world.consumer(topic, topic)).read(1)] == [b"small"]
        [(key, letter)] = letters_about(world, topic)
        value = Blob(name="large", text="x" * 200_000).model_dump_json().encode()
        assert key == b"large"
        assert (letter.consumer, letter.error_class) == ("tester", "too_large")
        assert (letter.partition, letter.offset, letter.truncated) == (-1, -1, True)
        assert (letter.value_size_bytes, letter.value_sha256) == (
            len(value),
            hashlib.sha256(value).hexdigest(),
        )
        assert b64decode(letter.value_base64 or "") == value[:KEPT_OF_TOO_LARGE_BYTES]

    async def test_buried_records_are_in_dead_letters_whole_when_bury_returns(
        self, world: World, topic: str
    ) -> None:
        headers: Headers = (("schema-version", b"9"), ("replay-count", b"2"), ("raw", b"\xff\x00"))
        bad = Record(topic, 3, 42, 1700000000000, b"\xffkey", bytes(range(256)), headers)
        empty = Record(topic, 0, 1, 0, None, None, ())
        await DeadLetters(world.producer(), "sink").bury(
            [(bad, BadRecord("invalid_payload", "why " * 500)), (empty, BadRecord("null_value", "none"))]
        )
        found = {letter.offset: (key, letter) for key, letter in letters_about(world, topic)}
        key, letter = found[42]
        assert key == b"\xffkey"
        assert (letter.consumer, letter.error_class, letter.replay_count) == ("sink", "invalid_payload", 2)
        assert (letter.partition, letter.timestamp_ms, letter.truncated) == (3, 1700000000000, False)
        assert b64decode(letter.key_base64 or "") == b"\xffkey"
        assert b64decode(letter.value_base64 or "") == bytes(range(256))
        assert tuple((h.name, b64decode(h.value_base64)) for h in letter.headers) == headers
        assert 0 < len(letter.error_message) <= 500
        key, letter = found[1]
        assert (key, letter.key_base64, letter.value_base64, letter.value_sha256) == (None, None, None, None)

    @pytest.mark.parametrize("shape", ["large headers", "many headers", "large key and value"])
    async def test_a_record_that_makes_too_large_a_letter_is_buried_in_part(
        self, world: World, topic: str, shape: str
    ) -> None:
        whole = Record(topic, 0, 0, 0, b"k", b"v", ())
        bad = {
            "large headers": whole._replace(headers=(("\x01" * 1_000_000, b""),)),
            "many headers": whole._replace(headers=(("a", b""),) * 120_000),
            "large key and value": whole._replace(key=os.urandom(900_000), value=os.urandom(900_000)),
        }[shape]
        await DeadLetters(world.producer(), "sink").bury([(bad, BadRecord("invalid_payload", "x"))])
        [(_, letter)] = letters_about(world, topic)
        assert letter.truncated
        assert letter.value_size_bytes == len(bad.value or b"")

    async def test_a_full_queue_holds_the_sender_until_the_log_is_back(
        self, world: World, topic: str
    ) -> None:
        producer, reconnect = world.cut_off_producer()
        sent = 0

        async def send_much() -> None:
            nonlocal sent
            for number in range(80):  # of 1 MB each, more than the queue's 64 MiB
                await producer.send(message(topic, b"k", b"%d " % number + bytes(1_000_000)), 2 * MIB)
                sent += 1
            await producer.flush()

        task = asyncio.create_task(send_much())
        before = -1
        while sent != before or sent < 50:
            before = sent
            done, _ = await asyncio.wait({task}, timeout=0.3)
            assert not done
        assert 50 <= sent < 80
        reconnect()
        await asyncio.wait_for(task, WAIT_S)
        [kept] = world.reader().ranges(topic).values()
        assert kept == LogRange(0, 80)
        read = Member(world.consumer(topic, topic)).read(80)
        assert [int((value or b"").split()[0]) for value in values(read)] == list(range(80))

    async def test_a_reader_reads_stretches_and_nothing_else(self, world: World, wide_topic: str) -> None:
        producer = world.producer()
        for number in range(200):
            await send(producer, wide_topic, numbers(1, start=number), key=b"%d" % number)
        reader = world.reader()
        held = reader.ranges(wide_topic)
        assert sum(kept.end for kept in held.values()) == 200
        stretches = {at: LogRange(2, kept.end - 3) for at, kept in held.items()}
        found = [record for some in reader.read(stretches) for record in some]
        for at, stretch in stretches.items():
            own = [record.offset for record in found if record.partition == at.partition]
            assert own == list(range(stretch.start, stretch.end))
        assert list(reader.read({part(wide_topic): LogRange(5, 5)})) == []
        assert list(reader.read({})) == []

    async def test_a_reader_finds_offsets_by_time(self, world: World, topic: str) -> None:
        producer, reader = world.producer(), world.reader()
        await send(producer, topic, numbers(5))
        [early] = [record for some in reader.read({part(topic): LogRange(4, 5)}) for record in some]
        wait_for(lambda: time.time() * 1000 > early.timestamp_ms + 1)
        await send(producer, topic, numbers(5, start=5))
        [late] = [record for some in reader.read({part(topic): LogRange(5, 6)}) for record in some]
        assert early.timestamp_ms < late.timestamp_ms
        assert reader.offsets_at({part(topic): 0}) == {part(topic): 0}
        assert reader.offsets_at({part(topic): early.timestamp_ms + 1}) == {part(topic): 5}
        assert reader.offsets_at({part(topic): late.timestamp_ms + 60_000}) == {part(topic): 10}
        assert reader.offsets_at({}) == {}

    async def test_a_reader_knows_how_far_a_group_is(self, world: World, wide_topic: str) -> None:
        at = part(wide_topic)
        assert world.reader().done(wide_topic, [at]) == {}
        await send(world.producer(), wide_topic, numbers(60))
        member = Member(world.consumer(wide_topic, wide_topic))
        member.read(60)
        place = max(member.records, key=lambda record: record.offset)
        done = TopicPartition(wide_topic, place.partition), place.offset + 1
        member.consumer.mark_done(*done)
        member.consumer.close()
        others = [TopicPartition(wide_topic, number) for number in range(3)]
        assert world.reader().done(wide_topic, others) == dict([done])

    async def test_a_reader_refuses_what_the_log_no_longer_holds(self, world: World, topic: str) -> None:
        await send(world.producer(), topic, numbers(10))
        world.truncate(part(topic), 5)
        reader = world.reader()
        with pytest.raises(LogMismatch):
            list(reader.read({part(topic): LogRange(4, 10)}))
        with pytest.raises(LogMismatch):
            reader.ranges("no-such-topic")


def letters_about(world: World, topic: str) -> list[tuple[bytes | None, DeadLetter]]:
    """The dead letters of a topic's records, with their keys."""
    reader = world.reader()
    decode = Decoder(dead_letters.TOPIC)
    found = [
        (record.key, decode(record))
        for some in reader.read(reader.ranges(dead_letters.TOPIC.name))
        for record in some
    ]
    return [(key, letter) for key, letter in found if letter.topic == topic]
