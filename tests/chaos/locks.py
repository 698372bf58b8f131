"""Holding a PostgreSQL writer up in the middle of its transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from axiom_verify import readers
from tests.stack import wait_until

_WAITING = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'axiom' AND wait_event_type = 'Lock'"
_TABLES = {"price_bars", "sink_offsets"}


@contextmanager
def writer_held_at(
    env: Mapping[str, str], table: str, then: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """Enter once a sink waits to write to that table of `market`; it goes on when the context ends.

    `then` is called when the table is locked, to give the sink something to write.
    """
    assert table in _TABLES
    with asyncio.Runner() as runner:
        connection = runner.run(readers.connect_postgres(env))
        try:
            runner.run(connection.execute(f"BEGIN; LOCK TABLE market.{table} IN SHARE MODE"))
            then()
            wait_until(f"a writer waits for {table}", lambda: bool(runner.run(connection.fetch(_WAITING))))
            yield
        finally:
            runner.run(connection.close())
