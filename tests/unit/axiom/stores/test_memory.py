from __future__ import annotations

from typing import Any

import pytest

from axiom.errors import Permanent, StoreDown
from axiom.stores.memory import MemoryStore, Rows
from axiom.stores.port import Batch
from tests.suites.stores import LOG, TOPIC, StoreSuite, World, batch, greatest

pytestmark = pytest.mark.unit


def keep_greatest(rows: Rows, batch: Batch) -> int:
    changed = {name: number for name, number in greatest(batch).items() if number > rows.get(name, -1)}
    rows.update(changed)
    return len(changed)


def refuse_666(rows: Rows, batch: Batch) -> int:
    applied = keep_greatest(rows, batch)
    if any(number == 666 for _, number in batch.payloads):
        raise Permanent("666")
    return applied


class MemoryWorld:
    """A MemoryStore: every member is the same object, as it is the server as well."""

    handler: Any = staticmethod(keep_greatest)
    poison: Any = staticmethod(refuse_666)

    def __init__(self) -> None:
        self.store = MemoryStore()

    def member(self) -> MemoryStore:
        return self.store

    def absent(self) -> MemoryStore:
        store = MemoryStore()
        store.down = True
        return store

    async def rows(self) -> dict[str, int]:
        return dict(self.store.rows)

    async def dead(self, consumer: str) -> dict[tuple[int, int], str]:
        return {key[2:]: name for key, name in self.store.dead.items() if key[0] == consumer}


class TestMemoryStore(StoreSuite):
    @pytest.fixture
    def world(self) -> World:
        return MemoryWorld()


async def test_a_lost_answer_comes_after_the_effect() -> None:
    store = MemoryStore()
    at = (await store.take("c", TOPIC, LOG, {0: 0}))[0]
    store.lose_answers = 1
    with pytest.raises(StoreDown):
        await store.apply(batch("c", at, [("a", 1)]), keep_greatest)
    assert store.rows == {"a": 1}
    assert (await store.load("c", TOPIC, [0]))[0].next_offset == 1
