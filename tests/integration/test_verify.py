"""`axiom verify` when a store does not answer."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from axiom.bus.kafka import KafkaAdmin
from axiom.errors import StoreDown
from axiom_cli import main
from axiom_verify.readers import read
from tests.chaos.world import env_of
from tests.stack import StackUnderTest
from topics import all_topics

pytestmark = pytest.mark.integration
NOBODY_LISTENS = 1


@pytest.mark.parametrize("store", ["postgres", "redis", "neo4j", "chroma"])
def test_a_store_that_is_away_is_named(stack: StackUnderTest, store: str) -> None:
    with pytest.raises(StoreDown, match=f"{store} does not answer"):
        read(store, {**stack.env, **env_of(store, NOBODY_LISTENS)})


def test_the_command_says_so_and_exits_with_3(stack: StackUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    KafkaAdmin(stack.env["AXIOM_KAFKA_BOOTSTRAP"]).create(all_topics().values())
    for name, value in {**stack.env, **env_of("chroma", NOBODY_LISTENS)}.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(main.build("verify"), ["verify", "chroma"])
    assert isinstance(result.exception, StoreDown)
    assert main.exit_code(result.exception) == 3
