"""The whole pipeline in a test's hands: the log, the sinks as processes, and what the stores hold.

    pipeline.publish(mixed_bars())
    with pipeline.sink("redis_sink"):
        pipeline.wait_caught_up("redis_sink")
    pipeline.check("redis_sink")

It reads the log and the stores with clients of its own (see `axiom_verify`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from axiom.bus.kafka import KafkaAdmin
from axiom.contracts.codec import encode
from axiom_verify import readers
from axiom_verify.fold import LogRecord
from axiom_verify.readers import READERS, Dump
from tests.differences import differences
from tests.e2e.members import held
from tests.stack import ROOT, ServiceProcess, StackUnderTest, run_postgres, wait_until
from topics import all_topics, price_updates
from topics.price_updates import PriceBar

TOPIC = price_updates.TOPIC.name
DEAD_LETTERS = "dead-letters"
PARTITIONS = set(range(price_updates.TOPIC.partitions))
SINKS = list(READERS)
STORE_OF = {
    "postgres_sink": "postgres",
    "redis_sink": "redis",
    "neo4j_sink": "neo4j",
    "chroma_sink": "chroma",
}
CATCH_UP_S = 90.0


@dataclass
class Journal:
    """What Kafka said of each record that was sent: confirmed with its place (no headers), or refused."""

    ok: list[LogRecord] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def note(self, error: KafkaError | None, message: Message) -> None:
        """A delivery report."""
        if error is None:
            self.ok.append(_log_record(message))
        else:
            self.failed.append(error.str())


class Pipeline:
    """One topic, its dead letters, four sinks and four stores, on the test session's servers."""

    def __init__(self, stack: StackUnderTest) -> None:
        self.stack = stack
        self.env: Mapping[str, str] = stack.env
        self.bootstrap = self.env["AXIOM_KAFKA_BOOTSTRAP"]
        self._started: list[ServiceProcess] = []

    # The log

    def publish(self, bars: Iterable[PriceBar]) -> Journal:
        """Send bars as a producer of this project does, and wait until Kafka has them."""
        return self.send(encode(price_updates.TOPIC, bar)[1:] for bar in bars)

    def send(self, messages: Iterable[Sequence[Any]], topic: str = TOPIC) -> Journal:
        """Send keys, values and headers as they are, whatever the contract says, and wait for Kafka."""
        journal = Journal()
        producer = Producer({"bootstrap.servers": self.bootstrap, "enable.idempotence": True, "linger.ms": 5})
        for key, value, headers in messages:
            while True:
                try:
                    producer.produce(topic, value, key, headers=list(headers), on_delivery=journal.note)
                except BufferError:
                    producer.poll(0.1)
                else:
                    break
            producer.poll(0)
        assert producer.flush(60) == 0, "Kafka did not confirm every record in a minute"
        assert not journal.failed, journal.failed[:3]
        return journal

    def log(self, topic: str = TOPIC) -> list[LogRecord]:
        """Everything in a topic, from its first record to its end now."""
        config = {
            "bootstrap.servers": self.bootstrap, "group.id": uuid4().hex, "enable.auto.commit": False,
            "auto.offset.reset": "earliest", "enable.partition.eof": True,
            "isolation.level": "read_committed", "fetch.queue.backoff.ms": 2,
        }  # fmt: skip
        with closing(Consumer(config)) as consumer:
            partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
            records: list[LogRecord] = []
            at_end = 0
            while at_end < len(partitions):
                for message in consumer.consume(10_000, 1):
                    error = message.error()
                    if error is None:
                        records.append(_log_record(message))
                    elif error.code() == KafkaError._PARTITION_EOF:
                        at_end += 1
        return sorted(records, key=lambda record: (record.partition, record.offset))

    def ends(self, topic: str = TOPIC) -> dict[int, int]:
        """The end of each partition: the offset that the next record gets."""
        with closing(Consumer({"bootstrap.servers": self.bootstrap, "group.id": uuid4().hex})) as consumer:
            numbers = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            return {number: _end(consumer, TopicPartition(topic, number)) for number in numbers}

    def dead_letters(self, consumer: str | None = None) -> dict[str, dict[str, Any]]:
        """Dead letters by `event-id`: what is left after a reader's deduplication."""
        letters = self.all_dead_letters()
        return {event_id: letter for event_id, letter in letters if consumer in (None, letter["consumer"])}

    def all_dead_letters(self) -> list[tuple[str, dict[str, Any]]]:
        """Every dead letter with its `event-id`, repeats too."""
        return [
            (dict(record.headers)["event-id"].decode(), json.loads(record.value or b""))
            for record in self.log(DEAD_LETTERS)
        ]

    # The sinks

    def sink(self, name: str, **env: str) -> ServiceProcess:
        """Start a sink; settings as `crashpoint="after_store_write:2"`. As a context, it ends killed."""
        settings = {f"AXIOM_SERVICE_{key.upper()}": value for key, value in env.items()}
        service = self.stack.start_service(name, settings)
        self._started.append(service)
        return service

    def working(self, name: str, **env: str) -> ServiceProcess:
        """A sink that is started, ready and the writer of every partition."""
        service = self.sink(name, **env)
        self._wait_working(service)
        return service

    def _wait_working(self, service: ServiceProcess) -> None:
        service.wait_ready()
        try:
            wait_until(f"{service.name} has all partitions", partial(_has_all, service))
        except AssertionError as late:
            raise AssertionError(f"{late}\n{service.health()}\n{service.log_end()}") from None

    def all_working(self) -> dict[str, ServiceProcess]:
        """One working member of every sink."""
        services = {name: self.sink(name) for name in SINKS}
        for service in services.values():
            self._wait_working(service)
        return services

    def dump(self, sink: str) -> Dump:
        """What the sink's store holds."""
        return READERS[sink](self.env)

    def next_offsets(self, sink: str) -> dict[int, int]:
        """How far the sink's store is, partition by partition."""
        return READERS[sink](self.env, entities=False).next_offsets

    def wait_caught_up(self, *sinks: str, timeout_s: float = CATCH_UP_S) -> None:
        """Wait until the stores hold the whole log.

        Raises:
            AssertionError: not in time, or a sink exited; with the end of the sinks' logs.
        """
        ends = {number: end for number, end in self.ends().items() if end}
        for sink in sinks:
            try:
                wait_until(f"{sink} has the whole log", partial(self._is_at, sink, ends), timeout_s)
            except AssertionError as late:
                where = f"the log ends at {ends}, {sink} is at {self.next_offsets(sink)}"
                raise AssertionError(f"{late}: {where}\n{self._logs(sink)}") from None

    def _is_at(self, sink: str, ends: Mapping[int, int]) -> bool:
        at = self.next_offsets(sink)
        return all(at.get(number, 0) >= end for number, end in ends.items())

    def check(
        self,
        *sinks: str,
        records: list[LogRecord] | None = None,
        refused: Container[tuple[int, int]] = (),
    ) -> None:
        """Hold each store against the fold of the log up to the store's own offsets.

        Raises:
            AssertionError: naming what differs.
        """
        log = self.log() if records is None else records
        for sink in sinks:
            found = self.dump(sink)
            problems = differences(sink, log, found, refused)
            assert not problems, "\n".join(
                [
                    f"{sink}: {len(problems)} differences to {len(log)} records, the first:",
                    *problems[:10],
                    f"its offsets: {found.offsets}",
                ]
            )

    def check_settled(self, *sinks: str) -> None:
        """Wait for the end of the log, then `check`; and each bad record has one dead letter of each sink."""
        self.wait_caught_up(*sinks)
        log = self.log()
        self.check(*sinks, records=log)
        letters = self.dead_letters()
        for sink in sinks:
            consumer = sink.replace("_", "-")
            places = sorted(
                (letter["partition"], letter["offset"])
                for letter in letters.values()
                if letter["consumer"] == consumer and letter["topic"] == TOPIC
            )
            assert places == sorted(self.dump(sink).dead), f"{sink}: dead letters and dead offsets differ"

    def _logs(self, name: str) -> str:
        ends = [f"{one.pid} (exit {one.process.poll()}):\n{one.log_end()}" for one in self._started]
        return "\n".join(end for one, end in zip(self._started, ends, strict=True) if one.name == name)

    # The ground

    def reset(self) -> None:
        """Empty everything: topics made anew, stores without a trace of a sink."""
        for server in ("kafka", "postgres", "redis", "neo4j", "chroma"):
            self.stack.start(server) if self.stack.pid(server) is None else self.stack.wait(server)
        self.make_topics_anew()
        self.empty_stores()

    def make_topics_anew(self) -> None:
        """Delete every topic that has records, another test's too (sinks would read them); make it again."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        ours = KafkaAdmin(self.bootstrap)
        present = set(all_topics()) & set(admin.list_topics(timeout=20).topics)
        names = {
            name
            for name in present
            if name in {TOPIC, DEAD_LETTERS} or any(kept.end for kept in ours.ranges(name).values())
        }
        if names:
            for deleted in admin.delete_topics(list(names), operation_timeout=20).values():
                deleted.result(30)
            wait_until("the topics are gone", lambda: not names & set(admin.list_topics(timeout=20).topics))
        ours.create(all_topics().values())

    def empty_stores(self) -> None:
        """Delete what the sinks ever wrote."""
        run_postgres(self.env, "DROP SCHEMA IF EXISTS market CASCADE")
        with readers.connect_redis(self.env) as redis:
            redis.flushall()
        with readers.connect_neo4j(self.env) as neo4j:
            neo4j.execute_query("MATCH (node) DETACH DELETE node", database_="neo4j")
        chroma = readers.connect_chroma(self.env)
        for collection in chroma.list_collections():
            chroma.delete_collection(collection.name)

    def close(self) -> None:
        """Stop the sinks, those that hang with force: one that leaves its group makes room at once."""
        for service in self._started:
            service.thaw()
            service.process.terminate()
        for service in self._started:
            try:
                service.process.wait(12)
            except subprocess.TimeoutExpired:
                service.kill()


def _has_all(service: ServiceProcess) -> bool:
    return held(service) == PARTITIONS


def run_axiom(
    env: Mapping[str, str], *arguments: str, timeout_s: float = 150
) -> subprocess.CompletedProcess[str]:
    """The `axiom` command on the stack that `env` names."""
    return subprocess.run(
        [sys.executable, "-m", "axiom_cli.main", *arguments],
        env=axiom_env(env), cwd=ROOT, capture_output=True, text=True, timeout=timeout_s,
    )  # fmt: skip


def axiom_env(env: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with the settings of one stack in the place of any other's."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("AXIOM_")}
    return {**outside, **env}


def _end(consumer: Consumer, partition: TopicPartition) -> int:
    ends: list[int] = []

    def found() -> bool:
        try:
            answer = consumer.get_watermark_offsets(partition, timeout=5)
        except KafkaException:  # a broker that has just started does not know its leaders yet
            return False
        ends.extend(answer[1:] if answer else ())
        return bool(ends)

    wait_until(f"Kafka says where {partition.topic}-{partition.partition} ends", found)
    return ends[0]


def _log_record(message: Message) -> LogRecord:
    partition, offset = message.partition(), message.offset()
    assert partition is not None
    assert offset is not None
    return LogRecord(partition, offset, message.key(), message.value(), tuple(message.headers() or ()))  # type: ignore[arg-type] # its stubs allow more than Kafka gives
