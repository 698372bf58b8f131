"""Partition sizes on the broker's disk: confluent-kafka can't ask for them, kafka-python can."""

from __future__ import annotations

from collections.abc import Collection

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from axiom.contracts.record import TopicPartition
from axiom.errors import StoreDown


def partition_sizes(bootstrap: str, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
    """Bytes on disk of each partition (of its leader's log).

    Raises:
        StoreDown: Kafka does not answer.
    """
    wanted: dict[str, list[int]] = {}
    for topic, number in partitions:
        wanted.setdefault(topic, []).append(number)
    try:
        client = KafkaAdminClient(bootstrap_servers=bootstrap, client_id="axiom-sizes")
        try:
            answers = client.describe_log_dirs(wanted)
        finally:
            client.close()
    except KafkaError as error:
        raise StoreDown(f"Kafka at {bootstrap} does not answer: {error}") from error
    return {
        TopicPartition(topic["name"], part["partition_index"]): part["partition_size"]
        for broker in answers
        for folder in broker["log_dirs"]
        for topic in folder["topics"]
        for part in topic["partitions"]
    }
