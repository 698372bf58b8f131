"""`python -m services.scheduler`."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Mapping
from uuid import uuid4

from axiom.bus.deadletters import DeadLetters
from axiom.bus.kafka import KafkaConsumer, KafkaProducer
from axiom.errors import StoreDown
from axiom.resilience.backoff import Backoff
from axiom.resilience.clock import SystemClock, wait_or
from axiom.runtime.pauses import Pauses
from axiom.runtime.service import Work, run_service, serve_jobs
from axiom.runtime.watchdog import Watchdog
from axiom.scheduling.job import Job
from axiom.scheduling.postgres import MIGRATIONS, PostgresTickStore
from axiom.settings import KafkaSettings, PostgresSettings, ServiceSettings, load
from axiom.stores.control import ControlStore
from axiom.telemetry.health import Health
from axiom.telemetry.logs import get_logger
from services.scheduler.engine import Engine, show_jobs
from services.scheduler.jobs import chosen
from services.scheduler.leading import Leading
from services.scheduler.maintenance import NAME, Maintenance
from services.scheduler.relay import Relay
from services.scheduler.reports import ReportReader
from services.scheduler.settings import SchedulerSettings
from topics import job_runs

log = get_logger()


def make_work(service: ServiceSettings, declared: Mapping[str, Job] | None = None) -> Work:
    """Compose the service out of settings; `declared` takes the place of the jobs of this repository."""
    kafka, settings, clock = load(KafkaSettings), load(SchedulerSettings), SystemClock()
    jobs = chosen(settings.jobs) if declared is None else declared
    postgres = load(PostgresSettings)
    control = ControlStore(postgres, migrations=MIGRATIONS)
    store = PostgresTickStore(control)
    holder = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"

    async def work(health: Health, stop: asyncio.Event) -> None:
        health.details["jobs"] = len(jobs)
        show_jobs(jobs)
        await _set_up(control, health, stop)
        watchdog = Watchdog(service.watchdog_s)
        pauses = Pauses(NAME, health, watchdog)
        producer = KafkaProducer(kafka.bootstrap, client_id=NAME, linger_ms=0)
        engine = Engine(jobs, store, clock, holder=holder, lease_s=settings.lease_s)
        relay = Relay(store, producer)
        leading = Leading(engine, relay, clock, health, pauses, watchdog, settings.poll_s)
        consumer = KafkaConsumer(kafka.bootstrap, group=NAME, topics=[job_runs.TOPIC.name])
        reading = Pauses(f"{NAME}-reports", health, watchdog)
        reader = ReportReader(consumer, store, DeadLetters(producer, NAME), reading, leading.wake)
        owner = Maintenance(control, postgres, store, clock, settings.keep_days)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(leading.run(stop))
                tasks.create_task(reader.run(stop))
                tasks.create_task(serve_jobs(owner, kafka.bootstrap, health, service, stop))
        finally:
            await producer.close()
            await control.close()

    return work


async def _set_up(control: ControlStore, health: Health, stop: asyncio.Event) -> None:
    """Make the tables, however long PostgreSQL is away."""
    backoff = Backoff(base_s=0.2, cap_s=5.0)
    while not stop.is_set():
        try:
            await control.setup()
        except StoreDown as down:
            health.not_ready["store_down"] = str(down)
            log.warning("store_awaited", store_error=str(down))
            await wait_or(stop, backoff.next_s())
        else:
            health.not_ready.pop("store_down", None)
            return


if __name__ == "__main__":
    sys.exit(run_service(NAME, make_work))
