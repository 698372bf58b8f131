"""The health server of a service: /live, /ready, /health and /metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from axiom.errors import Misconfigured
from axiom.telemetry.metrics import READY


@dataclass
class Health:
    """What a service says of itself; the service changes it, the server reads it.

    Attributes:
        not_ready: reasons why the service can't do its work now; empty means ready.
        notice: something a person should know though all is well, such as replayed data.
        details: values or functions that give values, for /health.
    """

    service: str
    not_ready: dict[str, str] = field(default_factory=lambda: {"service": "starting"})
    notice: str | None = None
    details: dict[str, Any | Callable[[], Any]] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """Everything, as JSON-ready values."""
        details = {name: value() if callable(value) else value for name, value in self.details.items()}
        status = "not_ready" if self.not_ready else "ok"
        summary = {"service": self.service, "status": status, "not_ready": self.not_ready, **details}
        return summary | ({"notice": self.notice} if self.notice else {})


@asynccontextmanager
async def health_server(health: Health, host: str, port: int) -> AsyncIterator[int]:
    """Serve while the context lasts; gives the port (of use when `port` is 0).

    Raises:
        Misconfigured: the port is taken.
    """
    READY.set_function(lambda: not health.not_ready)
    app = web.Application()
    app.add_routes(
        [
            web.get("/live", _answer(lambda: (200, {"status": "live"}))),
            web.get("/ready", _answer(lambda: (503 if health.not_ready else 200, health.summary()))),
            web.get("/health", _answer(lambda: (200, health.summary()))),
            web.get("/metrics", _metrics),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise Misconfigured(
                f"AXIOM_SERVICE_HEALTH_PORT {port} on {host} is taken ({error.strerror}): set another"
            ) from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _answer(make: Callable[[], tuple[int, dict[str, Any]]]) -> Any:
    async def handle(_: web.Request) -> web.Response:
        status, body = make()
        return web.json_response(body, status=status)

    return handle


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
