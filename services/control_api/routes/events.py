"""`/events`: news and other events."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime

from services.control_api.problems import not_found
from services.control_api.reading import events
from services.control_api.reading.models import Answer, Page
from services.control_api.routes.asking import FAR_OFF, LONG_AGO, SYMBOL, Cursor, Limit, MinOffset, Read
from services.control_api.routes.paging import cursor_of, moment_of, parts_of
from services.control_api.security import VIEWER

router = APIRouter(tags=["events"], dependencies=VIEWER)
EventId = Annotated[
    str,
    Path(
        pattern=r"^[0-9a-f]{32}$", description="An event's id.", examples=["0f3c9a4be2d14c7b8a90d1e2f3a4b5c6"]
    ),
]


@router.get("/events", summary="Events, the newest first")
async def list_events(
    read: Read,
    wanted: MinOffset,
    symbol: Annotated[
        str | None, Query(pattern=SYMBOL, description="Only those that name this symbol.")
    ] = None,
    since: Annotated[AwareDatetime, Query(description="Published at this time or later.")] = LONG_AGO,
    until: Annotated[AwareDatetime, Query(description="Published before this time.")] = FAR_OFF,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[events.Event]:
    """Out of PostgreSQL. No events: an empty page."""
    before: tuple[datetime, str] = (until, "")
    if cursor is not None:
        moment, event_id = parts_of(cursor, [str, str])
        before = min(before, (moment_of(moment, cursor), str(event_id)))
    offsets = await read.offsets.reached("postgres", wanted)
    name = symbol.upper() if symbol else None
    found = await events.newest(read.sources, name, since, before, limit)
    more = cursor_of(found[-1].published_at.isoformat(), found[-1].event_id) if len(found) == limit else None
    return Page(items=found, next=more, offsets=offsets)


@router.get("/events/{event_id}", summary="An event, and what was read in it")
async def get_event(event_id: EventId, read: Read, wanted: MinOffset) -> Answer[events.EventWhole]:
    """Out of PostgreSQL, with every statement about the graph that was made of it, the newest first."""
    offsets = await read.offsets.reached("postgres", wanted)
    found = await events.whole(read.sources, event_id)
    if found is None:
        raise not_found(f"PostgreSQL has no event {event_id}; GET /events lists those it has")
    return Answer(data=found, offsets=offsets)
