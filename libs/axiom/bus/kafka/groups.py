"""Consumer groups as an administrator sees them, for backups and restores."""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import ConsumerGroupState, ConsumerGroupTopicPartitions, KafkaException
from confluent_kafka import TopicPartition as _TopicPartition

from axiom.bus.kafka.admin import KafkaAdmin
from axiom.contracts.record import TopicPartition
from axiom.errors import StoreDown

_WITHOUT_MEMBERS = {ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD, ConsumerGroupState.UNKNOWN}


class KafkaGroups(KafkaAdmin):
    """`KafkaAdmin`, and what it may do to groups."""

    def at_work(self) -> list[str]:
        """The groups that have members: services that run, or were killed some seconds ago."""
        listed = self._answer(self._client.list_consumer_groups(request_timeout=self._timeout_s)).valid
        return sorted(group.group_id for group in listed if group.state not in _WITHOUT_MEMBERS)

    def set_group_offsets(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Let a group without members go on from these offsets.

        Raises:
            StoreDown: Kafka does not do it: it is down, or the group has members after all.
        """
        wanted = [_TopicPartition(*partition, offset) for partition, offset in offsets.items()]
        request = [ConsumerGroupTopicPartitions(group, wanted)]
        try:
            self._answer(self._client.alter_consumer_group_offsets(request)[group])
        except KafkaException as error:
            raise StoreDown(f"the offsets of group {group} can't be set: {error}") from error
