"""How to reach the four stores, as the plain readers want it."""

from __future__ import annotations

from axiom.settings import ChromaSettings, Neo4jSettings, PostgresSettings, RedisSettings, load
from axiom_verify.readers import Env


def environment() -> Env:
    """The settings in force, by the names of their environment variables."""
    postgres, redis, neo4j, chroma = (
        load(PostgresSettings), load(RedisSettings), load(Neo4jSettings), load(ChromaSettings),
    )  # fmt: skip
    return {
        "AXIOM_POSTGRES_HOST": postgres.host,
        "AXIOM_POSTGRES_PORT": str(postgres.port),
        "AXIOM_POSTGRES_USER": postgres.user,
        "AXIOM_POSTGRES_PASSWORD": postgres.password.get_secret_value(),
        "AXIOM_POSTGRES_DATABASE": postgres.database,
        "AXIOM_REDIS_HOST": redis.host,
        "AXIOM_REDIS_PORT": str(redis.port),
        "AXIOM_REDIS_PASSWORD": redis.password.get_secret_value(),
        "AXIOM_NEO4J_URI": neo4j.uri,
        "AXIOM_NEO4J_USER": neo4j.user,
        "AXIOM_NEO4J_PASSWORD": neo4j.password.get_secret_value(),
        "AXIOM_CHROMA_HOST": chroma.host,
        "AXIOM_CHROMA_PORT": str(chroma.port),
    }
