"""PostgreSQL's housekeeping: partitions before they are needed, old history, leftovers, dead rows.

Nothing here changes what a sink has derived.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from axiom.settings import PostgresSettings
from axiom.stores.control import ControlStore
from axiom.stores.postgres import PostgresStore
from axiom.stores.queries import named_queries

_SQL = named_queries(Path(__file__).parent / "sql" / "upkeep.sql")
_SCHEMA = "market"
_MONTHS_AHEAD = 2
_LEFT_AFTER = timedelta(days=1)
_VACUUM_S = 3600.0


def retention_below(*roots: Path) -> dict[str, Path]:
    """The files `PACKAGE/sql/retention.sql` below some folders, by package.

    Each of their queries deletes what is older than `$1` from the package's tables in schema `control`.
    """
    return {
        file.parent.parent.name: file for root in roots for file in sorted(root.rglob("sql/retention.sql"))
    }


async def forget_history(
    control: ControlStore, retention: Mapping[str, Path], before: datetime
) -> dict[str, int]:
    """Run the retention of every package that has its tables; the rows that went, by what they were."""
    made = {row["package"] for row in await control.fetch(_SQL["set_up"])}
    gone: dict[str, int] = {}
    for package, file in sorted(retention.items()):
        for name, query in named_queries(file).items() if package in made else ():
            gone[f"{package} {name}"] = await control.execute(query, before)
    return gone


async def tend_market(settings: PostgresSettings, now: datetime) -> list[str]:
    """Make the partitions of the months to come, and drop schemas that a killed rebuild left a day ago.

    Returns the names of what was dropped; nothing happens where postgres-sink has made no tables yet.
    """
    store = PostgresStore(settings, schema=_SCHEMA)
    try:
        if not (await store.fetch(_SQL["has_market"]))[0]["there"]:
            return []
        await store.fetch(_SQL["months_ahead"], now, _MONTHS_AHEAD)
        return await _drop_left(store, now - _LEFT_AFTER)
    finally:
        await store.close()


async def _drop_left(store: PostgresStore, before: datetime) -> list[str]:
    dropped: list[str] = []
    for name in await _left(store, before):
        async with store.transaction() as transaction:
            await transaction.execute(_SQL["lock_schemas"])
            # Asked again under the lock: a rebuild may have gone on with it, or swapped it in.
            rows = await transaction.fetch(_SQL["left"], _SCHEMA, before)
            if name in {row["name"] for row in rows}:
                await transaction.execute(_SQL["drop_schema"], name)
                dropped.append(name)
    return dropped


async def _left(store: PostgresStore, before: datetime) -> list[str]:
    return [row["name"] for row in await store.fetch(_SQL["left"], _SCHEMA, before)]


async def vacuum(control: ControlStore) -> int:
    """Vacuum and analyze every table that is ours; returns how many dead rows there were."""
    [row] = await control.fetch(_SQL["dead_rows"])
    await control.run_long(_SQL["vacuum"], _VACUUM_S)
    return int(row["dead_rows"])
