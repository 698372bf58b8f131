"""One WebSocket client: what it asks for, and the frames that it gets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from axiom.contracts.payload import Symbol
from services.control_api.live.hub import Hub
from services.control_api.live.mailbox import KINDS, Interest, Kind, Update

FRAME_S = 0.1
_MOST_SYMBOLS = 1000
_MOST_MISTAKES = 20
_POLICY_VIOLATION = 1008


class Subscribe(BaseModel):
    """What a client sends: it takes the place of what it sent before. No symbols: all of them."""

    model_config = ConfigDict(extra="forbid", regex_engine="python-re")
    action: Literal["subscribe"]
    symbols: Annotated[list[Symbol], Field(max_length=_MOST_SYMBOLS)] = []
    kinds: Annotated[list[Kind], Field(max_length=10)] = list(KINDS)


class Session:
    """Talks to one client over a socket that was accepted."""

    def __init__(self, socket: WebSocket, hub: Hub) -> None:
        self._socket = socket
        self._hub = hub
        self._listener = hub.listen()

    async def run(self) -> None:
        """Until the client leaves."""
        sending = asyncio.create_task(self._send())
        listening = asyncio.create_task(self._listen())
        try:
            await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.leave(self._listener)
            for task in (sending, listening):
                task.cancel()
            await asyncio.gather(sending, listening, return_exceptions=True)

    async def _send(self) -> None:
        """At most one frame in FRAME_S. While the client does not read, its mailbox keeps the newest."""
        while True:
            await self._listener.news.wait()
            await self._hub.turns.take()
            self._listener.news.clear()
            updates, dropped = self._listener.mailbox.take()
            await self._socket.send_text(frame(updates, dropped))
            await asyncio.sleep(FRAME_S)

    async def _listen(self) -> None:
        mistakes = 0
        while mistakes < _MOST_MISTAKES:
            try:
                await self._answer(Subscribe.model_validate_json(await self._socket.receive_text()))
            except ValidationError as error:
                mistakes += 1
                told = "; ".join(fault["msg"] for fault in error.errors(include_url=False)[:5])
                await self._tell(type="problem", detail=f"{told}; send {_EXAMPLE}")
            except (WebSocketDisconnect, KeyError):  # a KeyError: bytes in the place of text
                return
        await self._socket.close(_POLICY_VIOLATION, "too many messages that are not understood")

    async def _answer(self, wish: Subscribe) -> None:
        self._hub.want(self._listener, Interest(frozenset(wish.kinds), frozenset(wish.symbols)))
        await self._tell(type="subscribed", symbols=wish.symbols, kinds=wish.kinds, problem=self._hub.problem)

    async def _tell(self, **fields: object) -> None:
        await self._socket.send_text(json.dumps(fields))


_EXAMPLE = '{"action": "subscribe", "symbols": ["AAPL"], "kinds": ["prices", "events", "runs"]}'


def frame(updates: Collection[Update], dropped: int) -> str:
    """The text of a frame; the updates carry their records' own JSON.

    >>> frame([Update("prices", "AAPL", ("AAPL",), "1", '{"close":1.0}')], 2)
    '{"type":"updates","dropped":2,"updates":[{"kind":"prices","key":"AAPL","data":{"close":1.0}}]}'
    """
    parts = ",".join(
        f'{{"kind":"{update.kind}","key":{json.dumps(update.key)},"data":{update.value}}}'
        for update in updates
    )
    return f'{{"type":"updates","dropped":{dropped},"updates":[{parts}]}}'
