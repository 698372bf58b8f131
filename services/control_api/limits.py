"""How many requests one client may make: a bucket for each role's token, and each address without one."""

from __future__ import annotations

from collections import OrderedDict
from http import HTTPStatus

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from axiom.resilience.clock import Clock
from services.control_api.problems import Refused, answer
from services.control_api.security import Gate, token_of

_MOST_CLIENTS = 10_000


class Buckets:
    """A bucket of `burst` requests for each client, refilled by `per_s`; the least recent are forgotten."""

    def __init__(self, per_s: float, burst: int, clock: Clock) -> None:
        self._per_s = per_s
        self._burst = float(burst)
        self._clock = clock
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, client: str) -> float:
        """0: the request may go on, and is counted. Else: when to come again."""
        now = self._clock.monotonic()
        left, since = self._held.pop(client, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._per_s)
        allowed = left >= 1.0
        self._held[client] = (left - 1.0 if allowed else left, now)
        if len(self._held) > _MOST_CLIENTS:
            self._held.popitem(last=False)
        return 0.0 if allowed else (1.0 - left) / self._per_s


class RateGuard:
    """Refuses with 429 what comes too fast; a WebSocket counts once, when it is opened."""

    def __init__(self, app: ASGIApp, buckets: Buckets, gate: Gate) -> None:
        self._app = app
        self._buckets = buckets
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            wait_s = self._buckets.wait_s(self._client(scope))
            if wait_s:
                headers = {"Retry-After": str(max(1, round(wait_s)))}
                refused = Refused(
                    HTTPStatus.TOO_MANY_REQUESTS, "too many requests: come again later", headers=headers
                )
                await answer(refused)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _client(self, scope: Scope) -> str:
        """Who has a token is known by its role; wrong ones count for the address, so guessing is slow."""
        role = self._gate.role_of(token_of(HTTPConnection(scope)))
        return role.name if role is not None else scope["client"][0] if scope.get("client") else ""
