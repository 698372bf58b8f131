"""`/stores`: how far each store is."""

from __future__ import annotations

from fastapi import APIRouter

from services.control_api.reading import stores
from services.control_api.reading.models import Answer
from services.control_api.reading.offsets import STORES
from services.control_api.routes.asking import MinOffset, Read
from services.control_api.security import VIEWER

router = APIRouter(tags=["stores and log"], dependencies=VIEWER)


@router.get("/stores", summary="How far each store is in the log")
async def list_stores(read: Read, wanted: MinOffset) -> Answer[list[stores.StoreState]]:
    """Every store with its offset vector, and what became of the records that it has read.

    With `min_offset`, waits until the records are in all four stores.
    """
    if wanted:
        for store in STORES:
            await read.offsets.reached(store, wanted)
    found = await stores.states(read.offsets)
    if read.control_ready.is_set():
        known = await stores.verdicts(read.sources)
        found = [one.model_copy(update={"verified": known.get(one.store)}) for one in found]
    vectors = {
        one.store: {f"{part.topic}-{part.partition}": part.next_offset for part in one.partitions}
        for one in found
    }
    return Answer(data=found, offsets=vectors)
