"""Mounts the dashboard into the API's application."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from nicegui import app as pages_app
from nicegui import ui
from starlette.staticfiles import StaticFiles

from services.control_api.dashboard import pages
from services.control_api.dashboard.guard import STATIC, SessionGuard
from services.control_api.dashboard.login import add_login
from services.control_api.dashboard.page import Page
from services.control_api.dashboard.session import LIFE_S, secret_of
from services.control_api.dashboard.shell import add_page
from services.control_api.reading.desk import Desk
from services.control_api.reading.reading import Reading
from services.control_api.security import Gate
from services.control_api.settings import ApiSettings

ROOT = "/dashboard"
_HERE = Path(__file__).parent


def mount_dashboard(app: FastAPI, settings: ApiSettings, gate: Gate, reading: Reading) -> None:
    """Serve the pages under `/dashboard`. Once in a process: NiceGUI's application is a global."""
    found, desk = all_pages(), Desk.over(reading)
    app.state.dashboard = desk
    add_login(pages_app, gate, ROOT, [page.path for page in found])
    pages_app.mount(STATIC, StaticFiles(directory=_HERE / "static"))
    for page in found:
        add_page(page, found, ROOT, desk)
    pages_app.add_middleware(SessionGuard, gate=gate)
    ui.run_with(
        app,
        mount_path=ROOT,
        title="Axiom",
        favicon=_HERE / "static" / "mark.svg",
        dark=None,
        tailwind=False,
        show_welcome_message=False,
        storage_secret=secret_of(settings),
        session_middleware_kwargs={
            "session_cookie": "axiom_session", "max_age": LIFE_S, "same_site": "strict", "path": ROOT,
        },
    )  # fmt: skip


@asynccontextmanager
async def dashboard_running(app: FastAPI) -> AsyncIterator[None]:
    """While this lasts the pages are alive; the server itself announces no start and end to the app."""
    desk: Desk = app.state.dashboard
    try:
        async with app.router.lifespan_context(app):
            yield
    finally:
        await desk.close()


def all_pages() -> list[Page]:
    """Every page, in the order of the navigation."""
    names = sorted(module.name for module in pkgutil.iter_modules(pages.__path__))
    found: list[Page] = [importlib.import_module(f"{pages.__name__}.{name}").PAGE for name in names]
    return sorted(found, key=lambda page: page.order)
