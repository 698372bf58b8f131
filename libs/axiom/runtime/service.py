"""Starting and stopping a service: settings, logs, health server, signals, exit code.

Exit codes: 0 stopped as asked; 1 a failure worth a restart; 2 misconfigured (a restart won't help);
4 the log is not the store's (stood for a while; a person decides);
75 stood still and was ended by its watchdog; 137 killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol, TypeVar

from pydantic_settings import BaseSettings

from axiom.bus.deadletters import DeadLetters
from axiom.bus.kafka import KafkaConsumer, KafkaLogReader, KafkaProducer
from axiom.errors import LogMismatch, Misconfigured
from axiom.runtime.crashpoint import CrashPoint
from axiom.runtime.interpreter import tuned
from axiom.runtime.job_loop import JobLoop, group_of
from axiom.runtime.jobs import JobOwner
from axiom.runtime.loop import SinkLoop
from axiom.runtime.poison import PoisonBurst
from axiom.runtime.sink import Sink
from axiom.runtime.steps import Steps
from axiom.runtime.watchdog import Watchdog
from axiom.settings import JobsSettings, KafkaSettings, ServiceSettings, TracesSettings, load
from axiom.telemetry.health import Health, health_server
from axiom.telemetry.logs import get_logger, setup_logs
from axiom.telemetry.tracing import tracing
from topics import job_commands

H = TypeVar("H")
S = TypeVar("S", bound=BaseSettings)
Work = Callable[[Health, asyncio.Event], Awaitable[None]]

MISCONFIGURED = 2
LOG_MISMATCH = 4
LAST_STEPS_S = 0.5
_STOP_S = 9.0  # whoever asks for a stop waits for 10
log = get_logger()


def run_service(name: str, make_work: Callable[[ServiceSettings], Work]) -> int:
    """Run a service until SIGTERM or SIGINT; returns the process's exit code.

    `make_work` builds the adapters out of settings; the work it returns ends soon after its event is set.
    """
    setup_logs(name, "info")
    try:
        settings = load(ServiceSettings)
        setup_logs(name, settings.log_level)
        traces = load(TracesSettings)
        with tracing(name, traces.endpoint, traces.share):
            asyncio.run(_serve(name, settings, make_work))
    except Misconfigured as error:
        log.critical("service_misconfigured", why=str(error))
        return MISCONFIGURED
    except LogMismatch:
        return LOG_MISMATCH  # logged where it was found
    except Exception:
        log.exception("service_failed")
        return 1
    log.info("service_stopped")
    return 0


async def _serve(name: str, settings: ServiceSettings, make_work: Callable[[ServiceSettings], Work]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def begin_to_stop() -> None:
        stop.set()
        at_last = threading.Timer(_STOP_S, _cut_short)
        at_last.daemon = True
        at_last.start()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, begin_to_stop)
    health = Health(name)
    work = make_work(settings)
    async with health_server(health, settings.health_host, settings.health_port) as port, tuned():
        log.info("service_started", health_port=port)
        await work(health, stop)


def _cut_short() -> None:
    """End with what is still open: a client may say goodbye to a server that is not there for long.

    It is as harmless as a kill: what was not done is done by whoever comes next.
    """
    log.warning("stop_cut_short", why=f"something did not let go in {_STOP_S} s")
    os._exit(0)


def run_sink(name: str, settings_type: type[S], make_sink: Callable[[S], Sink[H]]) -> int:
    """Run a sink as a service: what `python -m services.<name>` does."""

    def make_work(service: ServiceSettings) -> Work:
        crash = CrashPoint(service.crashpoint)
        kafka = load(KafkaSettings)
        sink = make_sink(load(settings_type))

        async def work(health: Health, stop: asyncio.Event) -> None:
            producer = KafkaProducer(kafka.bootstrap, client_id=name, linger_ms=0)
            consumer = KafkaConsumer(
                kafka.bootstrap, group=name, topics=[topic.name for topic in sink.handlers],
                gathers=sink.linger_s > 0,
            )  # fmt: skip
            watchdog = Watchdog(service.watchdog_s)
            dead_letters = DeadLetters(producer, name)
            poison = PoisonBurst(pause_s=service.poison_pause_s)
            async with telling_steps(kafka.bootstrap, name) as steps:
                loop = SinkLoop(
                    sink, consumer, dead_letters, health, watchdog,
                    crash=crash, poison=poison, note_step=steps.note,
                )  # fmt: skip
                await loop.run(stop)

        return work

    return run_service(name, make_work)


@asynccontextmanager
async def telling_steps(bootstrap: str, consumer: str) -> AsyncIterator[Steps]:
    """Tells `sink-progress` in the background, by a producer of its own: its failures are no sink's."""
    producer = KafkaProducer(bootstrap, client_id=f"{consumer}-steps")
    steps = Steps(producer, consumer)
    telling = asyncio.create_task(steps.run())
    try:
        yield steps
    finally:
        telling.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_STEPS_S):
                await steps.send()


def run_job_owner(name: str, make_owner: Callable[[ServiceSettings], JobOwner]) -> int:
    """Run a service that does nothing but its jobs: what `python -m services.<name>` does."""

    def make_work(service: ServiceSettings) -> Work:
        kafka, owner = load(KafkaSettings), make_owner(service)

        async def work(health: Health, stop: asyncio.Event) -> None:
            health.not_ready.pop("service", None)
            try:
                await serve_jobs(owner, kafka.bootstrap, health, service, stop)
            finally:
                await owner.close()

        return work

    return run_service(name, make_work)


class ScheduledWork(Protocol):
    """A service's own work until `stop`; where it is `scheduled`, its recurring part is left to its jobs."""

    def __call__(self, stop: asyncio.Event, *, scheduled: bool) -> Coroutine[Any, Any, None]: ...


async def beside_jobs(
    owner: JobOwner,
    work: ScheduledWork,
    bootstrap: str,
    health: Health,
    service: ServiceSettings,
    stop: asyncio.Event,
) -> None:
    """Do a service's own work, and its jobs beside it where the scheduler is the clock.

    What goes wrong first in one of them ends both.
    """
    scheduled = load(JobsSettings).clock == "scheduler"
    if not scheduled:
        await work(stop, scheduled=False)
        return
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(work(stop, scheduled=True))
            tasks.create_task(serve_jobs(owner, bootstrap, health, service, stop))
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None


async def serve_jobs(
    owner: JobOwner, bootstrap: str, health: Health, service: ServiceSettings, stop: asyncio.Event
) -> None:
    """Run an owner's jobs until `stop`; beside other work of its service, as a task."""
    producer = KafkaProducer(bootstrap, client_id=f"{owner.name}-jobs", linger_ms=0)
    loop = JobLoop(
        owner,
        KafkaConsumer(bootstrap, group=group_of(owner.name), topics=[job_commands.TOPIC.name]),
        producer,
        KafkaLogReader(bootstrap),
        DeadLetters(producer, group_of(owner.name)),
        health,
        Watchdog(service.watchdog_s),
    )
    try:
        await loop.run(stop)
    finally:
        await producer.close()
