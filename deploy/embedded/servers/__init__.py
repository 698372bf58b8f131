"""The servers of the embedded stack."""

from __future__ import annotations

from deploy.embedded.servers.alertmanager import Alertmanager
from deploy.embedded.servers.chroma import Chroma
from deploy.embedded.servers.kafka import Kafka
from deploy.embedded.servers.neo4j import Neo4j
from deploy.embedded.servers.port import Monitor, Server
from deploy.embedded.servers.postgres import Postgres
from deploy.embedded.servers.prometheus import Prometheus
from deploy.embedded.servers.redis import Redis

__all__ = ["MONITORS", "SERVERS", "Monitor", "Server"]

SERVERS: tuple[Server, ...] = (Kafka(), Postgres(), Redis(), Neo4j(), Chroma())

MONITORS: tuple[Monitor, ...] = (Prometheus(), Alertmanager())
"""They join a stack where the machine has them, and nothing waits for them."""
