"""What the pages show and what changes nothing is run: commands in this process, queries by the drivers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from axiom.bus.kafka import KafkaAdmin
from axiom.errors import AxiomError, Transient
from axiom.runtime.discovery import sink_of
from axiom_cli import main
from axiom_verify.readers import connect_neo4j, connect_postgres, connect_redis
from tests.documentation.running import queries, redis_commands, runnable
from tests.stack import StackUnderTest, wait_until
from topics import all_topics

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def prepared(stack: StackUnderTest) -> Iterator[StackUnderTest]:
    """Topics are there, and so are the stores' tables; what they hold is left from other tests."""
    KafkaAdmin(stack.env["AXIOM_KAFKA_BOOTSTRAP"]).create(all_topics().values())

    async def make_tables() -> None:
        sink = sink_of("postgres")
        await sink.store.setup()
        await sink.store.close()

    asyncio.run(make_tables())
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AXIOM_EMBEDDING_MODEL", "hashed-ngrams-384")  # no test downloads a model
        environment.setenv("COLUMNS", "80")
        yield stack


def test_documented_commands_that_read_do_their_work(prepared: StackUnderTest) -> None:
    failed = []
    for shown in runnable():
        code, said = _answer(shown.words[1:])
        if code not in (0, 1) or not said.strip():
            failed.append(f"{shown}: exit code {code}: {said[-500:]}")
    assert not failed, "\n".join(failed)


def _answer(words: tuple[str, ...]) -> tuple[int, str]:
    """Exit code and output as the program gives them; a server that is coming up again is waited for."""
    answers: list[tuple[int, str]] = []

    def asked() -> bool:
        result = CliRunner().invoke(main.build(words[0]), list(words))
        error = result.exception
        if error is not None and not isinstance(error, AxiomError | SystemExit):
            raise error
        code = main.exit_code(error) if isinstance(error, AxiomError) else result.exit_code
        answers.append((code, result.output + str(error or "")))
        return not isinstance(error, Transient)

    wait_until(f"axiom {' '.join(words)}", asked)
    return answers[-1]


async def test_documented_sql_runs(prepared: StackUnderTest) -> None:
    connection = await connect_postgres(prepared.env)
    try:
        for query in queries("sql"):
            await connection.fetch(query)
    finally:
        await connection.close()
    assert len(queries("sql")) >= 5


def test_documented_cypher_runs(prepared: StackUnderTest) -> None:
    with connect_neo4j(prepared.env) as driver:
        for query in queries("cypher"):
            driver.execute_query(query)
    assert len(queries("cypher")) >= 3


def test_documented_redis_commands_run(prepared: StackUnderTest) -> None:
    with connect_redis(prepared.env) as redis:
        for words in redis_commands():
            redis.execute_command(*words)
    assert len(redis_commands()) >= 3
