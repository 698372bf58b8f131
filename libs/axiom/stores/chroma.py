"""Chroma: versioned records, offsets last.

Chroma has no transactions. A record's id is `key@version` with version "offset.epoch": new versions are
added, readers take the greatest of a key, then the offset is written, and older versions are deleted last. A
version beyond the store's offset is what a crash or a fenced writer left behind. It is what the log says at
that offset, since whoever wrote it read what it built on before it looked at the fence; so readers may keep
it until the store gets there, but it is not built upon. How far such writes may reach is announced before
them, for rebuilds. All of a key's records come from one partition.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from axiom.contracts.record import TopicIdentity, TopicPartition
from axiom.errors import Fenced, StoreDown
from axiom.settings import ChromaSettings
from axiom.stores.chroma_driver import ChromaDriver
from axiom.stores.chroma_handler import Change, Handler
from axiom.stores.chroma_rows import (
    Metadata,
    Row,
    Stored,
    Version,
    base_of_each,
    newest,
    newest_of_each,
    newest_of_sources,
    offset_row,
    replaced_by,
    source_of,
)
from axiom.stores.chroma_texts import Texts
from axiom.stores.port import Batch, Contents, Position, positions_of

OFFSETS = "sink_offsets"
DEAD = "dead_offsets"
WRITES = "sink_writes"
HOLD_S = 30.0
_NO_VECTOR = [1.0]
_CHUNK = 2000  # ids a request; below every server's get_max_batch_size (5461 and up)


class ChromaStore:
    """`axiom.stores.port.Store` on a Chroma server.

    Args:
        collections: the sink's collections with their distance (`cosine`, `l2`, `ip`).
        texts: those of them whose vectors are made of documents, and what makes them.
        prefix: of the collections' names on the server; a rebuild fills `next-…`.
    """

    def __init__(
        self,
        settings: ChromaSettings,
        *,
        collections: Mapping[str, str],
        texts: Texts | None = None,
        prefix: str = "",
    ) -> None:
        self._settings = settings
        self._spaces = collections
        self._texts = texts or Texts()
        spaces = {**collections, DEAD: "l2", WRITES: "l2", OFFSETS: "l2"}
        self.driver = ChromaDriver(settings, spaces, prefix, self._texts.maker_of)
        """For rebuilds; the rest goes through the methods below."""
        self._owner = uuid4().hex
        self._hold: tuple[str | None, float] = (None, 0.0)

    def with_prefix(self, prefix: str) -> ChromaStore:
        """The same store on collections of other names on the same server."""
        return ChromaStore(self._settings, collections=self._spaces, texts=self._texts, prefix=prefix)

    async def setup(self) -> None:
        async with self.driver.translated():
            await self.driver.open()

    async def ping(self) -> None:
        async with self.driver.translated():
            await self.driver.heartbeat()

    async def take(
        self, consumer: str, topic: str, log: TopicIdentity, starts: Mapping[int, int]
    ) -> dict[int, Position]:
        async with self.driver.translated():
            await self.driver.open()  # collections may have been swapped since
            await self._refuse_while_held(consumer)
            self._texts.refuse_to_mix(self.driver.makers)
            taken = {
                number: await self._take(consumer, topic, number, log, start)
                for number, start in sorted(starts.items())
            }
            await self._refuse_while_held(consumer)
            return taken

    async def _take(
        self, consumer: str, topic: str, partition: int, log: TopicIdentity, start: int
    ) -> Position:
        source = source_of(consumer, topic, partition)
        epoch = 0
        while True:
            rows = await self._offset_rows({"source": source})
            held = newest(rows.values()) or offset_row(consumer, topic, partition, Position(start, 0, log))
            epoch = max(epoch, held["epoch"]) + 1
            mine = {**held, "epoch": epoch, "owner": self._owner}
            await self._add_offsets([mine])
            rows = await self._offset_rows({"source": source})
            now = newest(rows.values())
            if now is not None and (now["epoch"], now["owner"]) == (epoch, self._owner):
                await self._delete(OFFSETS, [row_id for row_id, row in rows.items() if row is not now])
                return Position.of(mine)

    async def load(self, consumer: str, topic: str, partitions: Sequence[int]) -> dict[int, Position]:
        async with self.driver.translated():
            await self.driver.open()
            found = {
                number: newest(
                    (await self._offset_rows({"source": source_of(consumer, topic, number)})).values()
                )
                for number in partitions
            }
            await self._refuse_while_held(consumer)  # last: an epoch that a fence raised is not given away
        return {number: Position.of(row) for number, row in found.items() if row is not None}

    async def apply(self, batch: Batch, handler: Handler) -> int:
        async with self.driver.translated():
            stored: Stored = {}
            if batch.records:
                await self._announce(batch)
                stored = await self._stored(handler, batch)  # before the fence: nobody has deleted it yet
            rows = await self._offset_rows({"source": source_of(batch.consumer, *batch.source)})
            held = newest(rows.values())
            if held is None or (held["epoch"], held["next_offset"]) != (batch.epoch, batch.expected_offset):
                raise Fenced(
                    f"{batch.source}: the store is not at epoch {batch.epoch}, offset {batch.expected_offset}"
                )
            change = await self._add(handler, batch, stored) if batch.records else Change({}, 0)
            await self._bury(batch)
            moved = {
                **held,
                "next_offset": batch.next_offset,
                "applied": held["applied"] + change.applied,
                "superseded": held["superseded"] + len(batch.records) - change.applied,
                "dead_lettered": held["dead_lettered"] + len(batch.dead),
            }
            await self._add_offsets([moved])
            await self._delete(OFFSETS, list(rows))
            if batch.records:
                own = Version(batch.next_offset, batch.epoch)
                await self._delete(handler.collection, replaced_by(own, change.entities, stored))
        return change.applied

    async def _announce(self, batch: Batch) -> None:
        """Say how far readers may soon see.

        It comes before the fence is looked at: a rebuild that raises the fence and then finds no
        announcement knows that the writer will look at it in vain.
        """
        source = source_of(batch.consumer, *batch.source)
        row = {"source": source, "consumer": batch.consumer, "topic": batch.topic,
               "partition": batch.partition, "next_offset": batch.next_offset}  # fmt: skip
        await (await self.driver.collection(WRITES)).upsert(
            ids=[f"{source}@{batch.epoch}"], embeddings=[_NO_VECTOR], metadatas=[row]
        )

    async def rehearse(self, batch: Batch, handler: Handler) -> int:
        async with self.driver.translated():
            stored = await self._stored(handler, batch)
            return handler.fold(newest_of_each(stored), batch).applied

    async def _stored(self, handler: Handler, batch: Batch) -> Stored:
        """The stored records of a batch's keys, by key and version."""
        collection = await self.driver.collection(handler.collection)
        return await self._records(collection, sorted(set(handler.keys(batch))))

    async def _add(self, handler: Handler, batch: Batch, stored: Stored) -> Change:
        """Add what the batch changes, as new versions."""
        version = Version(batch.next_offset, batch.epoch)
        base = base_of_each(stored, up_to=batch.expected_offset)
        change = handler.fold(base, batch)
        collection = await self.driver.collection(handler.collection)
        makers = self.driver.makers
        whole = await self._texts.whole(handler.collection, collection, makers, change.entities, base)
        for keys in _chunks(list(whole)):
            documents = [whole[key].document for key in keys]
            await collection.add(
                ids=[version.of(key) for key in keys],
                embeddings=[list(whole[key].vector or ()) for key in keys],
                metadatas=[{**whole[key].metadata, "key": key, "version": str(version)} for key in keys],
                documents=documents if documents[0] is not None else None,
            )
        return change

    async def seen(self, consumer: str) -> dict[TopicPartition, int]:
        """The offset below which readers may have seen each partition's records; ask after `raise_epochs`."""
        async with self.driver.translated():
            found = await (await self.driver.collection(WRITES)).get(
                where={"consumer": consumer}, include=["metadatas"]
            )
        seen: dict[TopicPartition, int] = {}
        for row in found["metadatas"] or ():
            part = TopicPartition(row["topic"], row["partition"])
            seen[part] = max(row["next_offset"], seen.get(part, 0))
        return seen

    async def hold(self, consumer: str) -> None:
        """Give the consumer's writers no position until `release`, or until they waited HOLD_S for it."""
        row = {"hold_of": consumer, "token": uuid4().hex}
        async with self.driver.translated():
            await (await self.driver.collection(WRITES)).upsert(
                ids=[f"hold:{consumer}"], embeddings=[_NO_VECTOR], metadatas=[row]
            )

    async def release(self, consumer: str) -> None:
        """The end of `hold`; a swap ends it by itself."""
        async with self.driver.translated():
            await self._delete(WRITES, [f"hold:{consumer}"])

    async def _refuse_while_held(self, consumer: str) -> None:
        """Raises StoreDown. A hold that stays the same for HOLD_S is that of a rebuild that was killed."""
        found = await (await self.driver.collection(WRITES)).get(
            ids=[f"hold:{consumer}"], include=["metadatas"]
        )
        token = next((str(row["token"]) for row in found["metadatas"] or ()), None)
        if token != self._hold[0]:
            self._hold = (token, time.monotonic())
        if token is not None and time.monotonic() - self._hold[1] < HOLD_S:
            raise StoreDown("a rebuild is about to swap Chroma's collections", retry_after_s=0.2)

    async def raise_epochs(self, consumer: str) -> dict[TopicPartition, Position]:
        """Refuse the consumer's writers until they load their positions again; returns the positions."""
        async with self.driver.translated():
            while True:
                rows = await self._offset_rows({"consumer": consumer})
                epoch = max((row["epoch"] for row in rows.values()), default=0) + 1
                raised = await self._move_epochs(rows, epoch)
                now = newest_of_sources(await self._offset_rows({"consumer": consumer}))
                if now == raised:  # nobody took a partition meanwhile
                    return positions_of(now.values())

    async def all_positions(self, consumer: str) -> dict[TopicPartition, Position]:
        async with self.driver.translated():
            rows = await self._offset_rows({"consumer": consumer})
            return positions_of(newest_of_sources(rows).values())

    async def has_offsets(self) -> bool:
        """Whether any consumer has written here."""
        async with self.driver.translated():
            return bool(await (await self.driver.collection(OFFSETS)).count())

    async def is_of_preferred(self) -> bool:
        """Whether the vectors of texts are, or will be, of the embedder that a new collection would get."""
        async with self.driver.translated():
            await self.driver.open()
        return self._texts.are_of_preferred(self.driver.makers)

    async def set_epochs(self, consumer: str, epoch: int) -> None:
        """Let the consumer's offsets go on with this epoch, which is above theirs."""
        async with self.driver.translated():
            await self._move_epochs(await self._offset_rows({"consumer": consumer}), epoch)

    async def _move_epochs(self, rows: Mapping[str, Row], epoch: int) -> dict[str, Row]:
        """Write each source's newest row anew with an epoch above all of theirs; returns them by source."""
        moved = {
            source: {**row, "epoch": epoch, "owner": self._owner}
            for source, row in newest_of_sources(rows).items()
        }
        await self._add_offsets(list(moved.values()))
        await self._delete(OFFSETS, list(rows))
        return moved

    async def newest(self, collection: str, keys: Sequence[str]) -> dict[str, Metadata]:
        """The newest metadata of some keys, for readers."""
        async with self.driver.translated():
            stored = await self._records(await self.driver.collection(collection), keys)
        return newest_of_each(stored)

    async def _records(self, collection: Any, keys: Sequence[str]) -> Stored:
        """By key and version: every stored record's metadata."""
        stored: Stored = {}
        for chunk in _chunks(keys):
            found = await collection.get(where={"key": {"$in": list(chunk)}}, include=["metadatas"])
            for metadata in found["metadatas"] or ():
                stored.setdefault(str(metadata["key"]), {})[str(metadata["version"])] = metadata
        return stored

    async def _offset_rows(self, where: dict[str, str]) -> dict[str, Row]:
        found = await (await self.driver.collection(OFFSETS)).get(where=dict(where), include=["metadatas"])
        return {row_id: dict(row) for row_id, row in zip(found["ids"], found["metadatas"] or (), strict=True)}

    async def _add_offsets(self, rows: Sequence[dict[str, Any]]) -> None:
        for chunk in _chunks(rows):
            await (await self.driver.collection(OFFSETS)).add(
                ids=[Version(row["next_offset"], row["epoch"]).of(row["source"]) for row in chunk],
                embeddings=[_NO_VECTOR] * len(chunk),
                metadatas=list(chunk),
            )

    async def _bury(self, batch: Batch) -> None:
        source = source_of(batch.consumer, *batch.source)
        for chunk in _chunks(batch.dead):
            await (await self.driver.collection(DEAD)).upsert(
                ids=[f"{source}:{offset}" for offset, _ in chunk],
                embeddings=[_NO_VECTOR] * len(chunk),
                metadatas=[
                    {"source": source, "offset": offset, "error_class": error_class}
                    for offset, error_class in chunk
                ],
            )

    async def _delete(self, collection: str, ids: Sequence[str]) -> None:
        for chunk in _chunks(ids):
            await (await self.driver.collection(collection)).delete(ids=list(chunk))

    async def contents(self) -> Contents:
        async with self.driver.translated():
            counts = {name: int(await (await self.driver.collection(name)).count()) for name in self._spaces}
        return Contents(None, counts)

    async def close(self) -> None:
        self.driver.close()


def _chunks(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))
