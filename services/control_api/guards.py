"""What every request is checked for before a route sees it (ASGI middleware): its `Host`, its body's size."""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.control_api.problems import Refused, answer
from services.control_api.security import Gate


class HostGuard:
    """Refuses requests that came here by a name that is not ours."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            try:
                self._gate.refuse_strange_host(Headers(scope=scope).get("host", ""))
            except Refused as refused:
                await answer(refused)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class BodyGuard:
    """Refuses bodies of more than `most_bytes`, whatever their `Content-Length` says."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = Headers(scope=scope).get("content-length", "0")
        if told.isdigit() and int(told) > self._most_bytes:
            await answer(self._too_large())(scope, receive, send)
            return
        read_bytes = 0
        begun = refused = False

        async def counted() -> Message:
            nonlocal read_bytes, refused
            message = await receive()
            read_bytes += len(message.get("body", b""))
            if read_bytes > self._most_bytes and not begun:
                refused = True
                raise self._too_large()
            return message

        async def told_in_full(message: Message) -> None:
            nonlocal begun
            if not refused:
                begun = True
                await send(message)
            elif message["type"] == "http.response.start":  # of whatever the app makes of a broken body
                await answer(self._too_large())(scope, receive, send)

        await self._app(scope, counted, told_in_full)

    def _too_large(self) -> Refused:
        return Refused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body has at most {self._most_bytes} bytes here"
        )
