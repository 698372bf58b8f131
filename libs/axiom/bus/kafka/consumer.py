"""The consumer: a KIP-848 group member that starts where the store says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from operator import itemgetter
from typing import Any

from confluent_kafka import (
    Consumer as _Consumer,
)
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import (
    Message as _Message,
)
from confluent_kafka import (
    TopicPartition as _TopicPartition,
)

from axiom.bus.kafka.admin import KafkaAdmin
from axiom.bus.kafka.client import CLIENT_CONFIG, LOGGER
from axiom.bus.port import Polled
from axiom.contracts.record import Headers, LogRange, Record, TopicIdentity, TopicPartition
from axiom.errors import AxiomError, LogMismatch, Misconfigured, StoreDown

SHARED_CONFIG = CLIENT_CONFIG | {
    "auto.offset.reset": "error",  # the store names the offset; a silent jump would lose records
    "enable.auto.offset.store": False,
    "fetch.queue.backoff.ms": 2,  # at its default of 1000 a full queue stands still for a second
    "fetch.wait.max.ms": 100,
    "queued.max.messages.kbytes": 64 * 1024,
}
_CONFIG = SHARED_CONFIG | {
    "group.protocol": "consumer",
    "enable.auto.commit": True,
    "auto.commit.interval.ms": 1000,
    "max.poll.interval.ms": 120_000,
}
GATHERED = {"fetch.min.bytes": 64 * 1024}
"""What few readers need at once comes within `fetch.wait.max.ms`, many at a time: that spares the broker."""
_GONE = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.UNKNOWN_TOPIC_ID, KafkaError._UNKNOWN_PARTITION}
_OUT_OF_RANGE = {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}
_REFUSED = {KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError._FATAL}
_WAKE_S = 0.5
_TIMEOUT_S = 3.0  # a service that is told to stop may be waiting for it, and has 10 s in all


class KafkaConsumer:
    """`axiom.bus.port.Consumer` over librdkafka."""

    def __init__(self, bootstrap: str, *, group: str, topics: Sequence[str], gathers: bool = False) -> None:
        """`gathers`: records come up to a tenth of a second later, many at a time."""
        self._admin = KafkaAdmin(bootstrap, _TIMEOUT_S)
        self._assigned: list[TopicPartition] = []
        self._revoked: list[TopicPartition] = []
        try:
            config = _CONFIG | {"bootstrap.servers": bootstrap, "group.id": group}
            config |= GATHERED if gathers else {}
            self._consumer = _Consumer(config, logger=LOGGER)
            self._consumer.subscribe(
                list(topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
            )
        except KafkaException as error:
            raise Misconfigured(f"the Kafka consumer of group {group!r} can't be made: {error}") from error

    def poll(self, max_records: int, timeout_s: float) -> Polled:
        first = self._consumer.poll(timeout_s)
        messages = [] if first is None else [first]
        if first is not None and max_records > 1:
            messages += self._consumer.consume(max_records - 1, 0)
        records = to_records(messages)
        polled = Polled(records, self._assigned, self._revoked)
        self._assigned, self._revoked = [], []
        return polled

    def start_at(self, positions: Mapping[TopicPartition, int]) -> None:
        for partition, offset in positions.items():
            self._consumer.seek(_TopicPartition(*partition, offset))
        self.resume(positions)
        if positions:
            self._wake(next(iter(positions)))

    def _wake(self, partition: TopicPartition) -> None:
        """Ask the partition's broker something: librdkafka's thread for it sleeps up to a second while it has
        nothing to fetch, and a partition that is resumed does not wake it."""
        with suppress(KafkaException):  # no answer is no harm: the fetch begins a little later
            self._consumer.get_watermark_offsets(_TopicPartition(*partition), timeout=_WAKE_S, cached=False)

    def pause(self, partitions: Collection[TopicPartition]) -> None:
        self._consumer.pause([_TopicPartition(*partition) for partition in partitions])

    def resume(self, partitions: Collection[TopicPartition]) -> None:
        self._consumer.resume([_TopicPartition(*partition) for partition in partitions])

    def mark_done(self, partition: TopicPartition, next_offset: int) -> None:
        try:
            self._consumer.store_offsets(offsets=[_TopicPartition(*partition, next_offset)])
        except KafkaException as error:
            if error.args[0].code() != KafkaError._STATE:  # it was revoked meanwhile: the new owner commits
                raise

    def done(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        asked = [_TopicPartition(*partition) for partition in partitions]
        try:
            found = self._consumer.committed(asked, timeout=_TIMEOUT_S)
        except KafkaException as error:
            raise StoreDown(f"Kafka does not say how far the group is: {error}") from error
        return {TopicPartition(part.topic, part.partition): part.offset for part in found if part.offset >= 0}

    def assignment(self) -> set[TopicPartition]:
        return {TopicPartition(part.topic, part.partition) for part in self._consumer.assignment()}

    def log_ranges(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, LogRange]:
        # Not over the consumer's own connection, where a question waits behind the fetch that is under way.
        return self._admin.log_ranges(partitions)

    def identities(self, topics: Collection[str]) -> dict[str, TopicIdentity]:
        return self._admin.identities(topics)

    def close(self) -> None:
        self._consumer.close()

    def _on_assign(self, consumer: _Consumer, partitions: list[_TopicPartition]) -> None:
        # Paused at once, and yet a first fetch may be under way by then: so the offset is one that the log
        # has. It is a number: "the beginning" is a question to the broker, and its answer, coming after the
        # seek of `start_at`, undoes it.
        assigned = [TopicPartition(part.topic, part.partition) for part in partitions]
        starts: dict[TopicPartition, int] = {}
        with suppress(AxiomError):  # the topic was just deleted, or Kafka is away again: what follows tells
            starts = self._admin.log_starts(assigned)
        for part, own in zip(partitions, assigned, strict=True):
            part.offset = starts.get(own, 0)
        consumer.incremental_assign(partitions)
        consumer.pause(partitions)
        self._assigned += assigned

    def _on_revoke(self, consumer: _Consumer, partitions: list[_TopicPartition]) -> None:
        gone = [TopicPartition(part.topic, part.partition) for part in partitions]
        self._assigned = [partition for partition in self._assigned if partition not in gone]
        self._revoked += gone


def is_record(message: _Message) -> bool:
    """Whether a message is a record; raises what its error means for the reader."""
    error = message.error()
    if error is None:
        return True
    if error.code() == KafkaError._AUTO_OFFSET_RESET and "Unknown topic" in error.str():
        return False  # the topic is just being deleted: its partitions are revoked next
    if error.code() in _OUT_OF_RANGE:
        raise LogMismatch(
            f"the next record of {message.topic()}-{message.partition()} is not in the log any more "
            f"({error.str()}): the topic was truncated, or made anew. {LogMismatch.WAY_OUT}"
        )
    if error.code() in _GONE:
        raise LogMismatch(
            f"the topic {message.topic()} is gone ({error.str()}): make it with `axiom topics create`. "
            f"{LogMismatch.WAY_OUT}"
        )
    if error.code() in _REFUSED or error.fatal():
        raise Misconfigured(f"Kafka refuses this consumer: {error.str()}")
    return False  # passing trouble with brokers: librdkafka tries again by itself


def to_records(messages: Sequence[_Message]) -> list[Record]:
    """The messages that are records, as our own type; raises what an error among them means."""
    if any(map(_Message.error, messages)):
        messages = [message for message in messages if is_record(message)]
    columns = zip(
        map(_Message.topic, messages), map(_Message.partition, messages), map(_Message.offset, messages),
        map(_second, map(_Message.timestamp, messages)), map(_Message.key, messages),
        map(_Message.value, messages), map(_headers, messages), strict=True,
    )  # fmt: skip
    return list(map(_record, columns))  # a loop of Python's own takes half as long again


_second: Callable[[tuple[int, int]], int] = itemgetter(1)
_record: Callable[[tuple[Any, ...]], Record] = partial(tuple.__new__, Record)


def _headers(message: _Message) -> Headers:
    """The headers; none where a name is not UTF-8, which the client can't read at all.

    The client then returns with an exception set, which surfaces at some later call. A call of `__new__`
    is one at which the interpreter always looks.
    """
    try:
        return tuple.__new__(tuple, message.headers() or ())
    except (SystemError, UnicodeDecodeError):
        return ()
