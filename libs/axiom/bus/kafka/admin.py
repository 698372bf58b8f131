"""Topics and groups as an administrator sees them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicCollection,
)
from confluent_kafka import (
    TopicPartition as _TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from axiom.bus.kafka.client import CLIENT_CONFIG, LOGGER
from axiom.bus.kafka.sizes import partition_sizes
from axiom.contracts.record import LogRange, TopicIdentity, TopicPartition
from axiom.contracts.topic import Topic
from axiom.errors import LogMismatch, StoreDown
from axiom.resilience.retry import retrying_within

T = TypeVar("T")
# A partition just made, or a broker just back: its leader is not settled. Over in a moment. A question about
# a topic that the client has just heard of may hang; asked again it is answered.
_SETTLING = {
    KafkaError._TIMED_OUT,
    KafkaError._NOENT,  # "no leaders found"
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.FENCED_LEADER_EPOCH,
}
_TRIES = 3
"""So many questions have room in the time limit of one."""
_PASSING = _SETTLING | {
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.NETWORK_EXCEPTION,
    KafkaError.BROKER_NOT_AVAILABLE,
    KafkaError.NOT_CONTROLLER,
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
}
"""What a broker answers while it is down or finding its feet after a start."""

_TIMEOUT_S = 10.0
BROKERS_CHOICE = -1  # KIP-464


class _LeaderUnsettled(StoreDown):
    """Kafka answers, but does not yet know who leads the partition."""


@dataclass(frozen=True)
class TopicState:
    """A topic as Kafka has it: per partition what it holds and how far each group has read."""

    name: str
    identity: TopicIdentity
    ranges: dict[int, LogRange]
    sizes_bytes: dict[int, int]
    group_offsets: dict[str, dict[int, int]] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """How many offsets the topic holds."""
        return sum(kept.end - kept.start for kept in self.ranges.values())

    @property
    def size_bytes(self) -> int:
        """What the topic takes on the broker's disk."""
        return sum(self.sizes_bytes.values())

    def lag(self, group: str) -> int:
        """Records that the group has still to read."""
        read = self.group_offsets[group]
        return sum(max(0, kept.end - read.get(number, kept.start)) for number, kept in self.ranges.items())


def topic_config(topic: Topic[Any]) -> dict[str, str]:
    """A topic's declaration as Kafka's settings."""
    return {
        "retention.ms": str(-1 if topic.retention_ms is None else topic.retention_ms),
        "retention.bytes": "-1",
        "cleanup.policy": topic.cleanup_policy,
        "max.message.bytes": str(topic.max_record_bytes),
        "compression.type": "producer",
    }


class KafkaAdmin:
    """Makes and describes topics. Every call raises StoreDown where Kafka does not answer in `timeout_s`."""

    def __init__(self, bootstrap: str, timeout_s: float = _TIMEOUT_S) -> None:
        self._bootstrap = bootstrap
        self._timeout_s = timeout_s
        self._client = AdminClient(
            CLIENT_CONFIG | {"bootstrap.servers": bootstrap, "client.id": "axiom-admin"}, logger=LOGGER
        )

    def create(self, topics: Iterable[Topic[Any]]) -> dict[str, str]:
        """Make what is missing and bring the settings of what is there to its declaration.

        How many brokers keep a copy is theirs to say: `default.replication.factor` (1, of three brokers 3).
        Returns, for each topic, `created` or `present`. Harmless to repeat.
        """
        topics = list(topics)
        new = [
            NewTopic(
                topic.name, topic.partitions, replication_factor=BROKERS_CHOICE, config=topic_config(topic)
            )
            for topic in topics
        ]
        outcome: dict[str, str] = {}
        for name, future in self._client.create_topics(new, operation_timeout=self._timeout_s).items():
            try:
                self._answer(future)
                outcome[name] = "created"
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise StoreDown(f"the topic {name} can't be made: {error}") from error
                outcome[name] = "present"
        self._align([topic for topic in topics if outcome[topic.name] == "present"])
        return outcome

    def _align(self, topics: Collection[Topic[Any]]) -> None:
        resources = [
            ConfigResource(
                ResourceType.TOPIC,
                topic.name,
                incremental_configs=[
                    ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
                    for name, value in topic_config(topic).items()
                ],
            )
            for topic in topics
        ]
        if resources:
            for future in self._client.incremental_alter_configs(resources).values():
                self._answer(future)

    def names(self) -> set[str]:
        """The names of all topics but Kafka's own."""
        try:
            listed = self._client.list_topics(timeout=self._timeout_s).topics
        except KafkaException as error:
            raise StoreDown(f"Kafka at {self._bootstrap} does not answer: {error}") from error
        return {name for name in listed if not name.startswith("__")}

    def identity(self, topic: str) -> TopicIdentity:
        """Kafka's id for the topic and its partition count.

        Raises:
            LogMismatch: there is no such topic.
        """
        return self.identities([topic])[topic]

    def identities(self, names: Collection[str]) -> dict[str, TopicIdentity]:
        """As `identity`, of several topics at once."""
        found: dict[str, TopicIdentity] = {}
        if not names:
            return found
        futures = self._client.describe_topics(TopicCollection(list(names)), request_timeout=self._timeout_s)
        for name, future in futures.items():
            try:
                described = self._answer(future)
            except KafkaException as error:
                if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise LogMismatch(
                        f"there is no topic {name}: make it with `axiom topics create`, then make what was "
                        f"filled from an earlier one anew: `axiom rebuild --accept-loss`"
                    ) from error
                raise StoreDown(f"Kafka at {self._bootstrap} does not answer: {error}") from error
            found[name] = TopicIdentity(str(described.topic_id), len(described.partitions))
        return found

    def describe(self, names: Collection[str]) -> list[TopicState]:
        """What each topic holds and how far every group has read it."""
        identities = self.identities(names)
        partitions = [
            TopicPartition(name, number) for name in names for number in range(identities[name].partitions)
        ]
        ranges = self.log_ranges(partitions)
        sizes = partition_sizes(self._bootstrap, partitions)
        groups = self.group_offsets()
        return [
            TopicState(
                name=name,
                identity=identities[name],
                ranges={part.partition: ranges[part] for part in own},
                sizes_bytes={part.partition: sizes.get(part, 0) for part in own},
                group_offsets=_of_topic(name, groups),
            )
            for name in sorted(names)
            for own in [[part for part in partitions if part.topic == name]]
        ]

    def ranges(self, topic: str) -> dict[TopicPartition, LogRange]:
        """What each partition of a topic holds."""
        partitions = [TopicPartition(topic, number) for number in range(self.identity(topic).partitions)]
        return self.log_ranges(partitions)

    def log_ranges(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, LogRange]:
        """What some partitions hold, of any topics."""
        starts = self.log_starts(partitions)
        ends = self._offsets(partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call]
        return {part: LogRange(starts[part], ends[part]) for part in partitions}

    def log_starts(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """The oldest offset that each partition holds."""
        return self._offsets(partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]

    def offsets_at(self, moments_ms: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """The first offset of each partition whose record is of that time or later; else the end."""
        wanted = {
            _TopicPartition(*part): OffsetSpec.for_timestamp(moment) for part, moment in moments_ms.items()
        }
        if not wanted:
            return {}
        found = retrying_within(self._timeout_s, _LeaderUnsettled)(self._listed, wanted)
        beyond = [part for part, offset in found.items() if offset < 0]
        return found | {part: kept.end for part, kept in self.log_ranges(beyond).items()}

    def _offsets(self, partitions: Iterable[TopicPartition], spec: OffsetSpec) -> dict[TopicPartition, int]:
        wanted = {_TopicPartition(*partition): spec for partition in partitions}
        if not wanted:
            return {}
        return retrying_within(self._timeout_s, _LeaderUnsettled)(self._listed, wanted)

    def _listed(self, wanted: Mapping[_TopicPartition, OffsetSpec]) -> dict[TopicPartition, int]:
        answers = self._client.list_offsets(dict(wanted), request_timeout=self._timeout_s / _TRIES)
        return {
            TopicPartition(part.topic, part.partition): self._answer(future).offset
            for part, future in answers.items()
        }

    def group_offsets(self) -> dict[str, dict[TopicPartition, int]]:
        """How far every group is in every partition of which it has said so."""
        listed = self._answer(self._client.list_consumer_groups(request_timeout=self._timeout_s)).valid
        found: dict[str, dict[TopicPartition, int]] = {}
        for group in listed:
            request = [ConsumerGroupTopicPartitions(group.group_id)]
            answer = self._client.list_consumer_group_offsets(request)[group.group_id]
            found[group.group_id] = {
                TopicPartition(part.topic, part.partition): part.offset
                for part in self._answer(answer).topic_partitions or ()
                if part.offset >= 0
            }
        return found

    def delete(self, names: Collection[str]) -> None:
        """Delete topics and their records for good."""
        for future in self._client.delete_topics(list(names), operation_timeout=self._timeout_s).values():
            self._answer(future)

    def truncate(self, before: Mapping[TopicPartition, int]) -> None:
        """Delete the records below these offsets for good."""
        wanted = [_TopicPartition(*partition, offset) for partition, offset in before.items()]
        for future in self._client.delete_records(wanted).values():
            self._answer(future)

    def _answer(self, future: Future[T]) -> T:
        """The future's result; what means "Kafka is not there" becomes StoreDown."""
        try:
            return future.result(timeout=self._timeout_s + 5)
        except KafkaException as error:
            code = error.args[0].code()
            if code in _PASSING:
                kind = _LeaderUnsettled if code in _SETTLING else StoreDown
                raise kind(f"Kafka at {self._bootstrap} does not answer: {error}") from error
            raise
        except TimeoutError as error:
            raise StoreDown(f"Kafka at {self._bootstrap} does not answer") from error


def _of_topic(name: str, groups: dict[str, dict[TopicPartition, int]]) -> dict[str, dict[int, int]]:
    by_group = {
        group: {part.partition: offset for part, offset in offsets.items() if part.topic == name}
        for group, offsets in groups.items()
    }
    return {group: offsets for group, offsets in sorted(by_group.items()) if offsets}
