"""Each driver's errors as ours: what is the server's trouble must never be taken for a bad record."""

from __future__ import annotations

import asyncpg
import httpx
import pytest
from chromadb.errors import InvalidDimensionException, NotFoundError, RateLimitError
from neo4j import exceptions as neo4j_errors
from pydantic import SecretStr
from redis import exceptions as redis_errors
from redis._parsers.base import BaseParser

from axiom.errors import AxiomError, Fenced, Misconfigured, Permanent, StoreDown, Transient
from axiom.settings import ChromaSettings, Neo4jSettings, PostgresSettings, RedisSettings
from axiom.stores.chroma_driver import ChromaDriver
from axiom.stores.neo4j import Neo4jStore
from axiom.stores.postgres import PostgresStore
from axiom.stores.redis import RedisStore

pytestmark = pytest.mark.unit

PASSWORD = SecretStr("made-up")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("OOM command not allowed when used memory > 'maxmemory'.", StoreDown),
        ("READONLY You can't write against a read only replica.", StoreDown),
        ("LOADING Redis is loading the dataset in memory", StoreDown),
        ("MASTERDOWN Link with MASTER is down", StoreDown),
        ("MISCONF Redis is configured to save RDB snapshots", StoreDown),
        ("BUSY Redis is busy running a script.", StoreDown),
        ("NOREPLICAS Not enough good replicas to write.", StoreDown),
        ("TRYAGAIN later", StoreDown),
        ("NOAUTH Authentication required.", Misconfigured),
        ("WRONGPASS invalid username-password pair", Misconfigured),
        ("NOPERM this user has no permissions", Misconfigured),
        ("FENCED the store is at epoch 2, offset 7", Fenced),
        ("BEHIND a partition", Transient),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", Permanent),
        ("ERR user_script:1: attempt to index a nil value", Permanent),
    ],
)
async def test_what_redis_answers(answer: str, expected: type[AxiomError]) -> None:
    store = RedisStore(RedisSettings(password=PASSWORD))
    with pytest.raises(expected) as raised:
        async with store.translated():
            raise BaseParser.parse_error(answer)  # type: ignore[no-untyped-call]
    assert type(raised.value) is expected


@pytest.mark.parametrize("error", [redis_errors.ConnectionError(), redis_errors.TimeoutError(), OSError()])
async def test_a_redis_that_does_not_answer(error: Exception) -> None:
    with pytest.raises(StoreDown, match=r"127\.0\.0\.1"):
        async with RedisStore(RedisSettings(password=PASSWORD)).translated():
            raise error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (asyncpg.InvalidPasswordError("x"), Misconfigured),
        (asyncpg.InvalidCatalogNameError("x"), Misconfigured),
        (asyncpg.NumericValueOutOfRangeError("x"), Permanent),
        (asyncpg.UntranslatableCharacterError("x"), Permanent),
        (asyncpg.CheckViolationError("x"), Permanent),
        (asyncpg.TooManyConnectionsError("x"), StoreDown),
        (asyncpg.DiskFullError("x"), StoreDown),
        (asyncpg.AdminShutdownError("x"), StoreDown),
        (asyncpg.CannotConnectNowError("x"), StoreDown),
        (asyncpg.QueryCanceledError("x"), StoreDown),
        (asyncpg.DeadlockDetectedError("x"), StoreDown),
        (asyncpg.SerializationError("x"), StoreDown),
        (asyncpg.LockNotAvailableError("x"), StoreDown),
        (asyncpg.ConnectionDoesNotExistError("x"), StoreDown),
        (asyncpg.InternalClientError("x"), StoreDown),
        (ConnectionRefusedError(), StoreDown),
        (TimeoutError(), StoreDown),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
async def test_what_postgresql_answers(error: Exception, expected: type[AxiomError]) -> None:
    store = PostgresStore(PostgresSettings(password=PASSWORD), schema="suite")
    with pytest.raises(expected) as raised:
        async with store._translated():
            raise error
    assert type(raised.value) is expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("Neo.ClientError.Security.Unauthorized", Misconfigured),
        ("Neo.ClientError.Statement.ArithmeticError", Permanent),
        ("Neo.ClientError.Statement.TypeError", Permanent),
        ("Neo.ClientError.Schema.ConstraintValidationFailed", Permanent),
        ("Neo.ClientError.Transaction.TransactionTimedOut", StoreDown),
        ("Neo.ClientError.Transaction.TransactionNotFound", StoreDown),
        ("Neo.TransientError.Transaction.DeadlockDetected", StoreDown),
        ("Neo.TransientError.General.OutOfMemoryError", StoreDown),
        ("Neo.DatabaseError.General.UnknownError", StoreDown),
    ],
)
async def test_what_neo4j_answers(code: str, expected: type[AxiomError]) -> None:
    store = Neo4jStore(Neo4jSettings(password=PASSWORD))
    with pytest.raises(expected) as raised:
        async with store._translated():
            raise neo4j_errors.Neo4jError._hydrate_neo4j(code=code, message="x")
    assert type(raised.value) is expected
    await store.close()


@pytest.mark.parametrize(
    "error", [neo4j_errors.ServiceUnavailable("x"), neo4j_errors.SessionExpired("x"), OSError()]
)
async def test_a_neo4j_that_does_not_answer(error: Exception) -> None:
    store = Neo4jStore(Neo4jSettings(password=PASSWORD))
    with pytest.raises(StoreDown, match="bolt://"):
        async with store._translated():
            raise error
    await store.close()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (InvalidDimensionException("x"), Permanent),
        (NotFoundError("x"), StoreDown),
        (RateLimitError("x"), StoreDown),
        (httpx.ConnectError("x"), StoreDown),
        (httpx.ReadTimeout("x"), StoreDown),
        (httpx.RemoteProtocolError("x"), StoreDown),
        (ValueError("Could not connect to a Chroma server."), StoreDown),
        (ValueError("anything else is a mistake of ours"), ValueError),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
async def test_what_chroma_answers(error: Exception, expected: type[Exception]) -> None:
    driver = ChromaDriver(ChromaSettings(), {})
    with pytest.raises(expected) as raised:
        async with driver.translated():
            raise error
    assert type(raised.value) is expected
