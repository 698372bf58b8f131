"""The servers of the embedded stack."""

from __future__ import annotations

from deploy.embedded.servers.chroma import Chroma
from deploy.embedded.servers.kafka import Kafka
from deploy.embedded.servers.neo4j import Neo4j
from deploy.embedded.servers.port import Server
from deploy.embedded.servers.postgres import Postgres
from deploy.embedded.servers.redis import Redis

__all__ = ["SERVERS", "Server"]

SERVERS: tuple[Server, ...] = (Kafka(), Postgres(), Redis(), Neo4j(), Chroma())
