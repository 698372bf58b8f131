"""The bus over the real Kafka: the suite of `axiom.bus.port`, and what only Kafka can show."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import ConsumerGroupState, ConsumerGroupType, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType
from kafka import KafkaProducer as OtherProducer

from axiom.bus.kafka import KafkaAdmin, KafkaConsumer, KafkaLogReader, KafkaProducer
from axiom.contracts.payload import Payload
from axiom.contracts.record import LogRange, TopicIdentity, TopicPartition
from axiom.contracts.topic import Topic
from axiom.errors import DeliveryFailed, LogMismatch, Misconfigured, StoreDown
from tests.stack import StackUnderTest, free_port, wait_until
from tests.suites.bus import MIB, BusSuite, Member, message, numbers, part, send, values, wait_for
from topics import dead_letters

pytestmark = pytest.mark.integration


class KafkaWorld:
    """The stack's Kafka as a world; what is made here goes when the test ends."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.admin = KafkaAdmin(bootstrap)
        self.admin.create([dead_letters.TOPIC])
        self._topics: set[str] = set()
        self._producers: list[KafkaProducer] = []
        self._consumers: list[KafkaConsumer] = []
        self._relays: list[Relay] = []

    def create(self, name: str, partitions: int = 1) -> None:
        self._topics.add(name)
        declared = Topic[Payload](
            name=name, summary="", key="", partitions=partitions, max_record_bytes=4 * MIB
        )
        wait_for(lambda: self.admin.create([declared])[name] == "created")

    def delete(self, name: str) -> None:
        self.admin.delete([name])
        self._topics.discard(name)
        wait_for(lambda: name not in self.admin.names())

    def truncate(self, partition: TopicPartition, before: int) -> None:
        self.admin.truncate({partition: before})

    def producer(self) -> KafkaProducer:
        self._producers.append(KafkaProducer(self.bootstrap, client_id="suite", linger_ms=0))
        return self._producers[-1]

    def cut_off_producer(self) -> tuple[KafkaProducer, Callable[[], None]]:
        relay = Relay(self.bootstrap)
        self._relays.append(relay)
        producer = KafkaProducer(f"127.0.0.1:{relay.port}", client_id="suite-cut-off")
        self._producers.append(producer)
        return producer, relay.start

    def consumer(self, group: str, *topics: str) -> KafkaConsumer:
        self._consumers.append(KafkaConsumer(self.bootstrap, group=group, topics=topics))
        return self._consumers[-1]

    def reader(self) -> KafkaLogReader:
        return KafkaLogReader(self.bootstrap)

    def committed(self, group: str) -> dict[TopicPartition, int]:
        return {
            TopicPartition(state.name, number): offset
            for state in self.admin.describe(sorted(self._topics))
            for number, offset in state.group_offsets.get(group, {}).items()
        }

    async def close(self) -> None:
        for consumer in self._consumers:
            with suppress(RuntimeError):  # the test closed it
                consumer.close()
        for producer in self._producers:
            with suppress(DeliveryFailed):
                await producer.close()
        for relay in self._relays:
            relay.close()
        if self._topics:
            self.admin.delete(sorted(self._topics))


class Relay:
    """A port that refuses connections until it is started, and then passes them on to Kafka."""

    def __init__(self, bootstrap: str) -> None:
        host, _, port = bootstrap.rpartition(":")
        self._kafka = (host, int(port))
        self.port = free_port()
        self._server: socket.socket | None = None

    def start(self) -> None:
        self._server = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        assert self._server is not None
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                kafka = socket.create_connection(self._kafka)
                for source, target in ((client, kafka), (kafka, client)):
                    threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown(socket.SHUT_RDWR)
            self._server.close()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError), source, target:
        while data := source.recv(65536):
            target.sendall(data)


@pytest.fixture
async def world(stack: StackUnderTest) -> AsyncIterator[KafkaWorld]:
    made = KafkaWorld(stack.env["AXIOM_KAFKA_BOOTSTRAP"])
    yield made
    await made.close()


@pytest.fixture
def topic(world: KafkaWorld) -> str:
    name = f"kafka-{uuid4().hex[:12]}"
    world.create(name)
    return name


class TestKafkaBus(BusSuite):
    """The suite; its `world` is the fixture of this module."""


class _Garbled(str):
    """A header name whose bytes are no UTF-8."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xfe"


class TestConsumer:
    async def test_the_group_protocol_is_that_of_kip_848(self, world: KafkaWorld, topic: str) -> None:
        member = Member(world.consumer(topic, topic))
        member.poll_until(lambda: bool(member.assigned))
        client = AdminClient({"bootstrap.servers": world.bootstrap})
        described = client.describe_consumer_groups([topic])[topic].result()
        assert described.type == ConsumerGroupType.CONSUMER
        assert described.state == ConsumerGroupState.STABLE

    async def test_a_header_name_that_is_not_utf_8_costs_the_headers_and_no_more(
        self, world: KafkaWorld, topic: str
    ) -> None:
        producer = OtherProducer(bootstrap_servers=world.bootstrap)
        try:
            for number in range(300):  # many, since the interpreter changes how it calls what it calls often
                name = _Garbled("x") if number % 3 == 0 else "x"
                producer.send(topic, b"%d" % number, headers=[(name, b"1"), ("a", b"2")])
            producer.flush()
        finally:
            producer.close()
        read = Member(world.consumer(topic, topic)).read(300)
        assert values(read) == numbers(300)
        for number, record in enumerate(read):
            assert record.headers == (() if number % 3 == 0 else (("x", b"1"), ("a", b"2")))

    async def test_a_header_may_have_no_value(self, world: KafkaWorld, topic: str) -> None:
        headers: Any = (("a", None),)
        producer = world.producer()
        await producer.send(message(topic, b"k", b"v")._replace(headers=headers), MIB)
        await producer.flush()
        [record] = Member(world.consumer(topic, topic)).read(1)
        assert record.headers == headers

    async def test_a_topic_made_after_the_subscription_is_assigned(self, world: KafkaWorld) -> None:
        name = f"kafka-late-{uuid4().hex[:8]}"
        member = Member(world.consumer(name, name))
        member.poll_a_while()
        world.create(name)
        await send(world.producer(), name, [b"x"])
        assert values(member.read(1)) == [b"x"]

    def test_a_consumer_that_can_not_be_made_is_misconfigured(self) -> None:
        with pytest.raises(Misconfigured, match="group 'g'"):
            KafkaConsumer("127.0.0.1:1", group="g", topics=[])


class TestProducer:
    async def test_what_the_broker_refuses_is_a_failed_delivery(self, world: KafkaWorld) -> None:
        name = f"kafka-small-{uuid4().hex[:8]}"
        world.create(name)
        declared = Topic[Payload](name=name, summary="", key="", partitions=1, max_record_bytes=2000)
        world.admin.create([declared])
        producer = world.producer()
        await producer.send(message(name, b"a key", os.urandom(3000)), MIB)
        with pytest.raises(DeliveryFailed, match=r"1 records were not delivered.*a key"):
            await producer.flush()
        await send(producer, name, [b"fits"])
        assert values(Member(world.consumer(name, name)).read(1)) == [b"fits"]

    async def test_a_failure_is_also_told_to_the_next_sender(self, world: KafkaWorld) -> None:
        name = f"kafka-small-{uuid4().hex[:8]}"
        world.create(name)
        world.admin.create(
            [Topic[Payload](name=name, summary="", key="", partitions=1, max_record_bytes=2000)]
        )
        producer = world.producer()
        await producer.send(message(name, b"k", os.urandom(3000)), MIB)

        async def send_on() -> None:
            while True:
                await producer.send(message(name, b"k", b"v"), MIB)
                await asyncio.sleep(0.01)

        with pytest.raises(DeliveryFailed):
            await asyncio.wait_for(send_on(), 30)


class TestAdmin:
    def test_topics_are_made_once_and_brought_to_their_declaration(self, world: KafkaWorld) -> None:
        name = f"kafka-admin-{uuid4().hex[:8]}"
        declared = Topic[Payload](name=name, summary="", key="", partitions=3, retention_ms=1000)
        world._topics.add(name)
        assert world.admin.create([declared]) == {name: "created"}
        first = world.admin.identity(name)
        assert world.admin.create([replace(declared, retention_ms=None, max_record_bytes=5000)]) == {
            name: "present"
        }
        assert world.admin.identity(name) == first == TopicIdentity(first.topic_id, 3)
        client = AdminClient({"bootstrap.servers": world.bootstrap})

        def settings() -> tuple[str, str]:
            [future] = client.describe_configs([ConfigResource(ResourceType.TOPIC, name)]).values()
            config = future.result()
            return config["retention.ms"].value, config["max.message.bytes"].value

        wait_until("the broker has the new settings", lambda: settings() == ("-1", "5000"))

    async def test_a_topic_is_described_with_its_groups(self, world: KafkaWorld, topic: str) -> None:
        await send(world.producer(), topic, numbers(10))
        world.truncate(part(topic), 3)
        member = Member(world.consumer(topic, topic), start=3)
        member.read(7)
        member.consumer.mark_done(part(topic), 8)
        member.consumer.close()
        [state] = world.admin.describe([topic])
        assert state.ranges == {0: LogRange(3, 10)}
        assert (state.records, state.lag(topic)) == (7, 2)
        assert state.size_bytes > 0
        assert state.group_offsets[topic] == {0: 8}
        assert world.admin.describe([]) == []

    def test_a_missing_topic_is_a_log_mismatch(self, world: KafkaWorld) -> None:
        with pytest.raises(LogMismatch, match="axiom topics create"):
            world.admin.identity("no-such-topic")

    def test_an_absent_kafka_is_a_store_that_is_down(self) -> None:
        with pytest.raises(StoreDown, match="does not answer"):
            KafkaAdmin(f"127.0.0.1:{free_port()}").identity("t")

    def test_what_kafka_refuses_is_not_taken_for_an_outage(self, world: KafkaWorld) -> None:
        with pytest.raises(KafkaException):
            world.admin.delete([f"no-such-{uuid4().hex}"])
