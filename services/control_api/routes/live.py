"""`/graph/live-updates` and `/ws/realtime-updates`: what happens, as it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query, WebSocket
from sse_starlette import EventSourceResponse
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocketDisconnect

from axiom.errors import StoreDown
from services.control_api.live.live import Live
from services.control_api.live.mutations import place_of
from services.control_api.live.session import Session
from services.control_api.live.tape import Entry, Place
from services.control_api.problems import Refused, answer
from services.control_api.routes.asking import SYMBOL
from services.control_api.security import SUBPROTOCOL, VIEWER, Gate, offered_protocols

router = APIRouter(tags=["live"])
_PING_S = 15
_SEND_TIMEOUT_S = 60


def _live(connection: HTTPConnection) -> Live:
    live: Live = connection.app.state.live
    return live


Feeds = Annotated[Live, Depends(_live)]


@router.get(
    "/graph/live-updates",
    summary="The graph's mutations as they happen",
    dependencies=VIEWER,
    response_class=EventSourceResponse,
    responses={
        200: {
            "description": "Server-sent events",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    },
)
async def stream_mutations(
    live: Feeds,
    last_event_id: Annotated[
        str | None,
        Header(
            max_length=2000, description="The `id` of the last event that was received: goes on after it."
        ),
    ] = None,
    after: Annotated[
        str | None,
        Query(max_length=2000, description="As the header `Last-Event-ID`, for clients that set none."),
    ] = None,
    start: Annotated[
        Literal["now", "beginning"], Query(description="Where to begin without a Last-Event-ID.")
    ] = "now",
    symbol: Annotated[
        str | None, Query(pattern=SYMBOL, description="Only what speaks of this company.")
    ] = None,
) -> EventSourceResponse:
    """Server-sent events, `event: mutation`, with the mutation's JSON as `data`. Every mutation comes, once,
    in the order of its partition. The `id` is the place in the log: give it back as `Last-Event-ID`, which
    browsers do by themselves, and nothing is left out; at most ten pieces a second come. A client that reads
    slowly gets all of it later.
    """
    if live.hub.problem is not None:
        raise StoreDown(f"nothing is read of the log now: {live.hub.problem}")
    given = last_event_id or after
    if given is not None:
        place = await live.mutations.checked(place_of(given))
    else:
        place = live.mutations.now() if start == "now" else await live.mutations.beginning()
    live.refuse_more("event streams")
    events = _events(live, place, symbol.upper() if symbol else None)
    return EventSourceResponse(events, ping=_PING_S, send_timeout=_SEND_TIMEOUT_S)


async def _events(live: Live, place: Place, symbol: str | None) -> AsyncIterator[bytes]:
    """The stream's text, several events at a time: whoever is behind gets them in few pieces."""
    with live.client("event streams"):
        yield f": listening\nid: {place}\n\n".encode()
        async for entries in live.mutations.follow(place):
            told = [entry for entry in entries if entry.value is not None and symbol in (None, *entry.ends)]
            if told:
                await live.hub.turns.take()
                yield "".join(map(_event, told)).encode()


def _event(entry: Entry) -> str:
    return f"id: {entry.place}\nevent: mutation\ndata: {entry.value}\n\n"


@router.websocket("/ws/realtime-updates")
async def exchange(socket: WebSocket, live: Feeds) -> None:
    """Prices, events and job runs. Send what you want, and again whenever that changes:

        {"action": "subscribe", "symbols": ["AAPL"], "kinds": ["prices", "events", "runs"]}

    At most ten frames a second come, each thing in its newest state alone; `dropped` counts what was left out
    since the last frame. A browser gives its token as a protocol: `axiom` and `axiom.token.TOKEN`.
    """
    gate: Gate = socket.app.state.gate
    try:
        gate.refuse_strange_origin(socket.headers.get("origin"), socket.headers.get("host", ""))
        gate.admit(socket)
        live.refuse_more("websockets")
    except Refused as refused:
        await socket.send_denial_response(answer(refused))
        return
    await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered_protocols(socket) else None)
    with live.client("websockets"), suppress(WebSocketDisconnect):
        await Session(socket, live.hub).run()
