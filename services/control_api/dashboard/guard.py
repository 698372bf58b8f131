"""What every request to the dashboard is checked for (ASGI middleware): a session, and its origin."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.control_api.dashboard.session import role_of
from services.control_api.problems import Refused, answer
from services.control_api.security import Gate

LOGIN = "/login"
STATIC = "/own"
_OPEN = (LOGIN, f"{STATIC}/")
_HEADERS = {
    # Vue compiles templates in the page and NiceGUI writes scripts into it: hence the two 'unsafe'.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; "
        "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class SessionGuard:
    """Lets in who is logged in; others get the login page, or a refusal where that is no use."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        try:
            self._gate.refuse_strange_origin(
                connection.headers.get("origin"), connection.headers.get("host", "")
            )
            if not path.startswith(_OPEN) and role_of(connection) is None:
                raise Refused(HTTPStatus.UNAUTHORIZED, f"log in at {scope.get('root_path', '')}{LOGIN}")
        except Refused as refused:
            to_login = refused.status is HTTPStatus.UNAUTHORIZED and _wants_page(connection)
            response = _login_page(scope, path) if to_login else answer(refused)
            await response(scope, receive, _with_headers(send))
            return
        await self._app(scope, receive, _with_headers(send))


def _wants_page(connection: HTTPConnection) -> bool:
    is_get = connection.scope["type"] == "http" and connection.scope["method"] == "GET"
    return is_get and "text/html" in Headers(scope=connection.scope).get("accept", "")


def _login_page(scope: Scope, path: str) -> RedirectResponse:
    return RedirectResponse(f"{scope.get('root_path', '')}{LOGIN}?next={quote(path)}", HTTPStatus.SEE_OTHER)


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
