"""`python -m services.control_api`."""

from __future__ import annotations

import asyncio
import sys

from axiom.bus.kafka import KafkaFollower
from axiom.resilience.clock import SystemClock
from axiom.runtime.service import Work, run_service
from axiom.settings import ServiceSettings, load
from axiom.telemetry.health import Health
from axiom.universe.watchlist import WatchListSettings
from services.control_api.app import make_app
from services.control_api.dashboard.mounting import ROOT, dashboard_running
from services.control_api.live.hub import TOPICS, Hub
from services.control_api.live.live import Live
from services.control_api.live.mutations import Mutations
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
        live = _live(reading, settings)
        health.details["live_feed"] = lambda: live.hub.problem or "ok"
        health.details["live_clients"] = lambda: dict(live.clients)
        try:
            app = make_app(settings, reading, live, health)
            health.not_ready.pop("service", None)
            async with dashboard_running(app), asyncio.TaskGroup() as tasks:
                tasks.create_task(serve(app, settings, stop))
                tasks.create_task(live.hub.run(stop))
                tasks.create_task(reading.rates.run(stop))
                tasks.create_task(reading.set_up(stop))
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None
        finally:
            await reading.close()

    return work


def _live(reading: Reading, settings: ApiSettings) -> Live:
    sources = reading.sources
    hub = Hub(
        lambda: KafkaFollower(sources.bootstrap, TOPICS),
        tape_entries=settings.tape_entries,
        mailbox=settings.mailbox,
    )
    mutations = Mutations(hub.tape, sources.log, hub.entry_of)
    return Live(hub, mutations, {"websockets": settings.websockets, "event streams": settings.event_streams})


if __name__ == "__main__":
    sys.exit(run_service(NAME, make_work))
