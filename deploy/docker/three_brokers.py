"""Write deploy/docker/three-brokers.yml: what three Kafka brokers add to docker-compose.yml.

`python -m deploy.docker.three_brokers` (`make manifests` runs it). It is made, not written by hand, so
that the other brokers keep every limit and right of the first one, and every service knows all three.
"""

from __future__ import annotations

import copy
import sys
from typing import Any

from deploy.docker import compose

FILE = compose.ROOT / "deploy/docker/three-brokers.yml"
BROKERS = ("kafka", "kafka-2", "kafka-3")
BOOTSTRAP = ",".join(f"{name}:29092" for name in BROKERS)
HOST_PORTS = {"kafka-2": 9192, "kafka-3": 9292}
HEAD = """\
Three Kafka brokers and three copies of each record, beside docker-compose.yml:
  docker compose -f docker-compose.yml -f deploy/docker/three-brokers.yml up -d --wait
A project of its own (other volumes): one broker can't become three in place. See docs/scaling.md.
Made by `make manifests` from docker-compose.yml; change it there."""

CLUSTER = {
    "KAFKA_CONTROLLER_QUORUM_VOTERS": ",".join(f"{n}@{name}:9093" for n, name in enumerate(BROKERS, 1)),
    "KAFKA_LISTENERS": "STORES://:29092,HOST://:9092,CONTROLLER://:9093",
    "KAFKA_DEFAULT_REPLICATION_FACTOR": "3",
    # A record is confirmed when two brokers have it: one may fail without loss or halt.
    "KAFKA_MIN_INSYNC_REPLICAS": "2",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "3",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "3",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "2",
    "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "3",
    "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "2",
}


def made() -> dict[str, Any]:
    """The override file."""
    services = compose.load()["services"]
    found: dict[str, Any] = {"kafka": {"environment": CLUSTER}}
    for number, name in enumerate(BROKERS[1:], 2):
        found[name] = _broker(services["kafka"], number, name)
    for name, service in services.items():
        if compose.is_ours(service) and "environment" in service:
            found[name] = {"environment": {"AXIOM_KAFKA_BOOTSTRAP": BOOTSTRAP}}
            if "kafka" in service.get("depends_on", {}):
                found[name]["depends_on"] = {one: {"condition": "service_healthy"} for one in BROKERS[1:]}
    return {
        "name": "axiom-three-brokers",
        "services": found,
        "volumes": {f"{name}-data": {} for name in BROKERS[1:]},
    }


def _broker(first: dict[str, Any], number: int, name: str) -> dict[str, Any]:
    """The first broker's entry with another number, name, port and volume."""
    broker = copy.deepcopy(first)
    port = f"${{AXIOM_{name.upper().replace('-', '_')}_HOST_PORT:-{HOST_PORTS[name]}}}"
    broker["environment"] |= CLUSTER | {
        "KAFKA_NODE_ID": str(number),
        "KAFKA_ADVERTISED_LISTENERS": f"STORES://{name}:29092,HOST://127.0.0.1:{port}",
    }
    broker["ports"] = [f"127.0.0.1:{port}:9092"]
    broker["volumes"] = [f"{name}-data:/var/lib/kafka/data"]
    return broker


def text() -> str:
    """The file's text."""
    return compose.dump([made()], HEAD)


def main() -> int:
    """Write the file."""
    FILE.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
