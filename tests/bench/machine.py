"""What the figures were measured on. Nothing that names the machine or its user."""

from __future__ import annotations

import platform
import re
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from axiom.settings import Neo4jSettings, PostgresSettings, RedisSettings, load
from axiom.stores.neo4j import Neo4jStore
from axiom.stores.postgres import PostgresStore
from axiom.stores.redis import RedisStore
from deploy.embedded.jars import locked

_PACKAGES = (
    "asyncpg", "chromadb", "confluent-kafka", "msgspec", "neo4j", "neo4j-rust-ext", "numpy", "pydantic",
    "redis",
)  # fmt: skip


@dataclass(frozen=True)
class Machine:
    """Hardware, system and versions."""

    processor: str
    cores: int
    memory_gib: float
    kernel: str
    python: str
    servers: dict[str, str]
    packages: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


async def describe() -> Machine:
    """This machine, and the servers that `AXIOM_HOME` names."""
    return Machine(
        processor=_processor(),
        cores=psutil.cpu_count() or 0,
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        kernel=f"{platform.system()} {re.split('[-+]', platform.release())[0]}",
        python=platform.python_version(),
        servers=await _servers(),
        packages={name: metadata.version(name) for name in _PACKAGES},
    )


async def _servers() -> dict[str, str]:
    postgres = PostgresStore(load(PostgresSettings), schema="public")
    redis = RedisStore(load(RedisSettings))
    neo4j = Neo4jStore(load(Neo4jSettings))
    try:
        [version] = await postgres.fetch("SHOW server_version")
        [component] = await neo4j.query("CALL dbms.components() YIELD versions RETURN versions[0] AS version")
        return {
            "Kafka": _kafka_version(),
            "PostgreSQL": str(version["server_version"]).split()[0],
            "Redis": str((await redis.client.info("server"))["redis_version"]),
            "Neo4j": str(component["version"]),
            "Chroma": metadata.version("chromadb"),
        }
    finally:
        for store in (postgres, redis, neo4j):
            await store.close()


def _kafka_version() -> str:
    """As locked: the broker tells clients only which requests it takes."""
    found = (re.search(r"/kafka_2\.13-([\d.]+)\.jar$", jar.path) for jar in locked()["kafka"])
    return next((match[1] for match in found if match), "unknown")


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.machine()
