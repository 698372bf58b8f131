"""Rows that have a key and a version: one way to write several topics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Any

from axiom.contracts.payload import Payload
from axiom.stores.newest import newest
from axiom.stores.port import Batch
from axiom.stores.postgres import Transaction


@dataclass(frozen=True)
class VersionedRows:
    """Writes batches of a topic: the newest version of each row into a stage, then one upsert.

    Attributes:
        stage: the temporary table that takes the batch.
        upsert: the query that keeps, of a staged row and the table's, the newer one.
        payload: its fields are the columns; the last column is the version's.
        key: what rows are told apart by.
        version: orders the versions of a row; the digits after its last colon are the content hash.
        keeps_version: the last column is the version itself, not the content hash.
    """

    stage: str
    upsert: str
    payload: type[Payload]
    key: Callable[[Any], Any]
    version: Callable[[Any, bytes | None], str]
    keeps_version: bool = False

    async def __call__(self, transaction: Transaction, batch: Batch) -> int:
        await transaction.copy_rows(self.stage, self.columns, self.rows(batch))
        return await transaction.execute(self.upsert)

    @property
    def columns(self) -> list[str]:
        """The columns, in the order of `rows`."""
        return [*self.payload.model_fields, "version" if self.keeps_version else "content_hash"]

    def rows(self, batch: Batch) -> list[Sequence[Any]]:
        """The newest version of each row."""
        fields = list(self.payload.model_fields)
        values = attrgetter(*fields)
        cost = fields.index("cost_usd") if "cost_usd" in fields else None
        made: list[Sequence[Any]] = []
        for payload, version in newest(batch, self.key, self.version):
            row = list(values(payload))
            if cost is not None:
                row[cost] = Decimal(row[cost])
            row.append(version if self.keeps_version else int(version.rpartition(":")[2], 16))
            made.append(row)
        return made
