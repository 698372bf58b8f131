"""`python -m services.control_api`."""

from __future__ import annotations

import asyncio
import sys

from axiom.resilience.clock import SystemClock
from axiom.runtime.service import Work, run_service
from axiom.settings import ServiceSettings, load
from axiom.telemetry.health import Health
from axiom.universe.watchlist import WatchListSettings
from services.control_api.app import make_app
from services.control_api.dashboard.mounting import ROOT, dashboard_running
from services.control_api.reading.reading import Reading
from services.control_api.reading.sources import Sources
from services.control_api.serving import serve
from services.control_api.settings import ApiSettings

NAME = "control-api"


def make_work(_: ServiceSettings) -> Work:
    """Compose the service out of settings."""
    settings, watch_list = load(ApiSettings), load(WatchListSettings)

    async def work(health: Health, stop: asyncio.Event) -> None:
        reading = Reading.over(
            Sources.of_settings(), SystemClock(), watched=watch_list.watched, wait_s=settings.wait_s
        )
        health.details["api"] = f"http://{settings.host}:{settings.port}"
        health.details["dashboard"] = f"http://{settings.host}:{settings.port}{ROOT}/"
        try:
            app = make_app(settings, reading, health)
            health.not_ready.pop("service", None)
            async with dashboard_running(app):
                await serve(app, settings, stop)
        finally:
            await reading.close()

    return work


if __name__ == "__main__":
    sys.exit(run_service(NAME, make_work))
