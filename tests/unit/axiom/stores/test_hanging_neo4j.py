"""A Neo4j that does not answer is a store that is down, whichever way a batch takes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr

from axiom.errors import StoreDown
from axiom.settings import Neo4jSettings
from axiom.stores import neo4j
from axiom.stores.neo4j import Neo4jStore, Upsert
from tests.bars import bar, batch

pytestmark = pytest.mark.unit


async def test_an_upsert_that_hangs_is_a_store_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hangs(self: Neo4jStore, query: Any, **parameters: Any) -> list[dict[str, Any]]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(Neo4jStore, "query", hangs)
    monkeypatch.setattr(neo4j, "_limit", lambda seconds: asyncio.timeout(0))
    store = Neo4jStore(Neo4jSettings(password=SecretStr("secret")), generation=1)
    try:
        with pytest.raises(StoreDown):
            await store.apply(batch([bar()]), Upsert("RETURN 0 AS applied", lambda batch: []))
    finally:
        await store.close()
