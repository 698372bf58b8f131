"""The bus on a real Kafka. Nothing outside this folder imports confluent-kafka."""

from axiom.bus.kafka.admin import KafkaAdmin
from axiom.bus.kafka.consumer import KafkaConsumer
from axiom.bus.kafka.follower import KafkaFollower
from axiom.bus.kafka.groups import KafkaGroups
from axiom.bus.kafka.producer import KafkaProducer
from axiom.bus.kafka.reader import KafkaLogReader
from axiom.bus.kafka.writer import KafkaLogWriter

__all__ = [
    "KafkaAdmin",
    "KafkaConsumer",
    "KafkaFollower",
    "KafkaGroups",
    "KafkaLogReader",
    "KafkaLogWriter",
    "KafkaProducer",
]
