"""`axiom verify` when a store does not answer."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from axiom.bus.kafka import KafkaAdmin
from axiom.errors import StoreDown
from axiom_cli import main
from axiom_verify.readers import read
from tests.stack import StackUnderTest
from topics import all_topics

pytestmark = pytest.mark.integration
NOBODY_LISTENS = {
    "postgres": {"AXIOM_POSTGRES_PORT": "1"},
    "redis": {"AXIOM_REDIS_PORT": "1"},
    "neo4j": {"AXIOM_NEO4J_URI": "bolt://127.0.0.1:1"},
    "chroma": {"AXIOM_CHROMA_PORT": "1"},
}


@pytest.mark.parametrize("store", NOBODY_LISTENS)
def test_a_store_that_is_away_is_named(stack: StackUnderTest, store: str) -> None:
    with pytest.raises(StoreDown, match=f"{store} does not answer"):
        read(store, {**stack.env, **NOBODY_LISTENS[store]})


def test_the_command_says_so_and_exits_with_3(stack: StackUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    KafkaAdmin(stack.env["AXIOM_KAFKA_BOOTSTRAP"]).create(all_topics().values())
    for name, value in {**stack.env, **NOBODY_LISTENS["chroma"]}.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(main.build("verify"), ["verify", "chroma"])
    assert isinstance(result.exception, StoreDown)
    assert main.exit_code(result.exception) == 3
