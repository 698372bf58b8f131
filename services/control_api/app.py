"""The application: routes, errors and guards, put together."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from fastapi import APIRouter, FastAPI
from starlette.middleware.cors import CORSMiddleware

from axiom.telemetry.health import Health
from services.control_api import routes
from services.control_api.contract import describe
from services.control_api.dashboard.mounting import mount_dashboard
from services.control_api.guards import BodyGuard, HostGuard
from services.control_api.limits import Buckets, RateGuard
from services.control_api.live.live import Live
from services.control_api.problems import add_handlers
from services.control_api.reading.reading import Reading
from services.control_api.security import Gate
from services.control_api.settings import ApiSettings


def make_app(settings: ApiSettings, reading: Reading, live: Live, health: Health) -> FastAPI:
    """The API over a reading and a live layer; `app.state` has them, `gate` and `health` for the routes."""
    app = FastAPI(
        title="Axiom",
        version="1",
        docs_url=None,  # its pages load scripts from elsewhere
        redoc_url=None,
        openapi_url=None,  # routes/contract.py serves it, to who has a token
    )
    app.state.gate = Gate(settings)
    app.state.reading = reading
    app.state.live = live
    app.state.health = health
    add_handlers(app)
    for router in _routers():
        app.include_router(router)
    describe(app)
    mount_dashboard(app, settings, app.state.gate, reading)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=list(settings.origins), allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Last-Event-ID"],
        )  # fmt: skip
    app.add_middleware(BodyGuard, most_bytes=settings.body_bytes)
    buckets = Buckets(settings.requests_per_s, settings.burst, reading.clock)
    app.add_middleware(RateGuard, buckets=buckets, gate=app.state.gate)
    app.add_middleware(HostGuard, gate=app.state.gate)
    return app


def _routers() -> Iterator[APIRouter]:
    for module in sorted(module.name for module in pkgutil.iter_modules(routes.__path__)):
        router = getattr(importlib.import_module(f"{routes.__name__}.{module}"), "router", None)
        if router is not None:
            yield router
