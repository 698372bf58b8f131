"""chroma-sink: against adding ready vectors, and against one upsert at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import chromadb
import numpy as np
from chromadb.config import Settings

from axiom.settings import ChromaSettings, load
from axiom.stores.chroma import OFFSETS
from axiom.stores.chroma_handler import Change
from axiom.stores.port import Store
from services.chroma_sink.shape import RETURNS
from services.chroma_sink.sink import SHAPES, fold, make_sink
from tests.bench.lab import Lab, OneByOne
from tests.bench.results import Contestant, Timing

SERVER = "chroma"
SAMPLE = 300
WATCH_S = 0.05


def contestants(lab: Lab) -> Sequence[Contestant]:
    """The limit first."""
    return (
        Contestant("ready vectors", "adding the same vectors, made beforehand", lambda: _ready(lab)),
        Contestant("store write", "decoded batches of 10k, offsets included", lambda: _write(lab)),
        Contestant("whole service", "Kafka to Chroma, offsets included", lambda: _whole(lab)),
        Contestant(
            "one by one", f"two upserts a record, {SAMPLE:,} records, scaled", lambda: _one_by_one(lab)
        ),
    )


async def _ready(lab: Lab) -> Timing:
    sink = await _emptied()
    adds = _ready_adds(lab)
    try:
        collection = await sink.store.driver.collection(SHAPES)
        with lab.timed(SERVER, lab.log.records) as timings:
            for add in adds:
                await collection.add(**add)
    finally:
        await sink.store.close()
    return timings[0]


def _ready_adds(lab: Lab) -> list[dict[str, Any]]:
    """For each batch the arguments of one `add`; the state between batches is folded here, in memory."""
    stored: dict[str, Any] = {}
    adds: list[dict[str, Any]] = []
    for number, batch in enumerate(lab.log.batches()):
        change: Change = fold({key: stored[key] for key in stored}, batch)
        stored |= {key: entity.metadata for key, entity in change.entities.items()}
        if change.entities:
            adds.append(
                {
                    "ids": [f"{key}@{number:06d}" for key in change.entities],
                    "embeddings": [list(entity.vector) for entity in change.entities.values()],
                    "metadatas": [dict(entity.metadata) for entity in change.entities.values()],
                }
            )
    return adds


async def _write(lab: Lab) -> Timing:
    return await lab.store_write(SERVER, await _emptied())


async def _whole(lab: Lab) -> Timing:
    sink = await _emptied()
    return await lab.whole_service(SERVER, "services.chroma_sink", sink, _offsets, WATCH_S)


async def _offsets(store: Store[Any], consumer: str) -> dict[int, int]:
    """In one request; the store's own `load` asks for much more, and the server is what is measured."""
    collection = await store.driver.collection(OFFSETS)  # type: ignore[attr-defined]
    found = await collection.get(where={"consumer": consumer}, include=["metadatas"])
    offsets: dict[int, int] = {}
    for row in found["metadatas"]:
        offsets[row["partition"]] = max(row["next_offset"], offsets.get(row["partition"], 0))
    return offsets


async def _one_by_one(lab: Lab) -> Timing:
    await (await _emptied()).store.close()
    settings = load(ChromaSettings)
    client = chromadb.HttpClient(
        host=settings.host, port=settings.port, settings=Settings(anonymized_telemetry=False)
    )
    shapes: Any = client.get_collection(SHAPES)
    offsets: Any = client.get_collection(OFFSETS)
    closes: dict[str, deque[float]] = {}
    records = OneByOne(lab.bootstrap, SAMPLE)
    try:
        with lab.timed(SERVER, SAMPLE) as timings:
            for value, partition, offset in records:
                own = closes.setdefault(value["symbol"], deque(maxlen=RETURNS + 1))
                own.append(value["close"])
                metadata = {"symbol": value["symbol"], "last_close": value["close"]}
                shapes.upsert(ids=[value["symbol"]], embeddings=[_vector(own)], metadatas=[metadata])
                offsets.upsert(
                    ids=[str(partition)], embeddings=[[1.0]], metadatas=[{"next_offset": offset + 1}]
                )
    finally:
        records.close()
    return timings[0]


def _vector(closes: Sequence[float]) -> list[float]:
    """The last log returns, oldest first, zeros before them."""
    returns: list[float] = np.diff(np.log(np.array(closes))).tolist()
    return [0.0] * (RETURNS - len(returns)) + returns


async def _emptied() -> Any:
    """The sink on new, empty collections."""
    sink: Any = make_sink(load(ChromaSettings))
    await sink.store.setup()
    await sink.store.driver.delete("")
    await sink.store.setup()
    return sink
