"""The connections that reads go through, opened on first use and shared by all requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from axiom.bus.kafka import KafkaAdmin, KafkaLogReader
from axiom.embedding.choice import Embedders
from axiom.llm.ledger import MIGRATIONS as LEDGER
from axiom.runtime.discovery import declared_jobs
from axiom.scheduling.job import Job
from axiom.scheduling.port import TickStore
from axiom.scheduling.postgres import MIGRATIONS as SCHEDULER
from axiom.scheduling.postgres import PostgresTickStore
from axiom.settings import (
    ChromaSettings,
    EmbeddingSettings,
    KafkaSettings,
    Neo4jSettings,
    PostgresSettings,
    RedisSettings,
    load,
)
from axiom.stores.chroma_reading import ChromaReader
from axiom.stores.chroma_search import TextSearch
from axiom.stores.control import ControlStore
from axiom.stores.neo4j import Neo4jStore
from axiom.stores.pool import PostgresReader
from axiom.stores.redis import RedisStore
from axiom.verdicts.store import MIGRATIONS as VERDICTS

_MARKET = "market"
_POOL = 8


@dataclass(frozen=True)
class Sources:
    """Every server that the API reads, by the settings in force."""

    bootstrap: str
    admin: KafkaAdmin
    log: KafkaLogReader
    market: PostgresReader
    control: ControlStore
    ticks: TickStore
    jobs: Mapping[str, Job]
    redis: RedisStore
    graph: Neo4jStore
    shapes: ChromaReader
    texts: TextSearch

    @classmethod
    def of_settings(cls) -> Sources:
        """As the environment and the stack's file say."""
        kafka, postgres, chroma = load(KafkaSettings), load(PostgresSettings), load(ChromaSettings)
        control = ControlStore(postgres, migrations=SCHEDULER | VERDICTS | {"llm": LEDGER}, pool_size=_POOL)
        return cls(
            bootstrap=kafka.bootstrap,
            admin=KafkaAdmin(kafka.bootstrap),
            log=KafkaLogReader(kafka.bootstrap),
            market=PostgresReader(postgres, schema=_MARKET, pool_size=_POOL),
            control=control,
            ticks=PostgresTickStore(control),
            jobs=declared_jobs(),
            redis=RedisStore(load(RedisSettings)),
            graph=Neo4jStore(load(Neo4jSettings)),
            shapes=ChromaReader(chroma),
            texts=TextSearch(chroma, Embedders(load(EmbeddingSettings))),
        )

    async def close(self) -> None:
        """Release every connection."""
        await self.market.close()
        await self.control.close()
        await self.redis.close()
        await self.graph.close()
        self.shapes.close()
        self.texts.close()
