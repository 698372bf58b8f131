"""`/topics`: what the log holds, and the lag of its consumers."""

from __future__ import annotations

from fastapi import APIRouter

from services.control_api.reading import log
from services.control_api.reading.models import Answer
from services.control_api.routes.asking import Read
from services.control_api.security import VIEWER

router = APIRouter(tags=["stores and log"], dependencies=VIEWER)


@router.get("/topics", summary="Topics with the lag of each consumer")
async def list_topics(read: Read) -> Answer[list[log.TopicState]]:
    """Every declared topic: records, size, and how many records each consumer group has still to read.

    At most two seconds old. Nothing is read from a store, so there are no offsets.
    """
    return Answer(data=await read.topics.get(), offsets={})
