"""The connections that reads go through, opened on first use and shared by all requests."""

from __future__ import annotations

from dataclasses import dataclass

from axiom.bus.kafka import KafkaAdmin, KafkaLogReader
from axiom.embedding.choice import Embedders
from axiom.settings import (
    ChromaSettings,
    EmbeddingSettings,
    KafkaSettings,
    Neo4jSettings,
    PostgresSettings,
    RedisSettings,
    load,
)
from axiom.stores.chroma import ChromaStore
from axiom.stores.chroma_search import TextSearch
from axiom.stores.control import ControlStore
from axiom.stores.neo4j import Neo4jStore
from axiom.stores.pool import PostgresReader
from axiom.stores.redis import RedisStore

SHAPES = "price_shapes"
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
    redis: RedisStore
    graph: Neo4jStore
    shapes: ChromaStore
    texts: TextSearch

    @classmethod
    def of_settings(cls) -> Sources:
        """As the environment and the stack's file say."""
        kafka, postgres, chroma = load(KafkaSettings), load(PostgresSettings), load(ChromaSettings)
        return cls(
            bootstrap=kafka.bootstrap,
            admin=KafkaAdmin(kafka.bootstrap),
            log=KafkaLogReader(kafka.bootstrap),
            market=PostgresReader(postgres, schema=_MARKET, pool_size=_POOL),
            control=ControlStore(postgres, migrations={}, pool_size=_POOL),
            redis=RedisStore(load(RedisSettings)),
            graph=Neo4jStore(load(Neo4jSettings)),
            shapes=ChromaStore(chroma, collections={SHAPES: "cosine"}),
            texts=TextSearch(chroma, Embedders(load(EmbeddingSettings))),
        )

    async def close(self) -> None:
        """Release every connection."""
        await self.market.close()
        await self.control.close()
        await self.redis.close()
        await self.graph.close()
        await self.shapes.close()
        self.texts.close()
