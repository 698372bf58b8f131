"""`python -m services.enricher`."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from axiom.bus.deadletters import DeadLetters
from axiom.bus.kafka import KafkaConsumer, KafkaProducer
from axiom.errors import StoreDown
from axiom.llm import metrics as llm_metrics
from axiom.resilience.backoff import Backoff
from axiom.resilience.clock import wait_or
from axiom.runtime.crashpoint import CrashPoint
from axiom.runtime.service import Work, run_service
from axiom.runtime.transform import Handler, Outputs, Transform, TransformLoop, TransformOptions
from axiom.runtime.watchdog import Watchdog
from axiom.settings import ServiceSettings
from axiom.telemetry.health import Health
from axiom.telemetry.logs import get_logger
from services.enricher.enriching import NAME, Parts, enriching, load_parts, make_tasks
from services.enricher.graph import Enrichment
from services.enricher.tasks.port import Task
from topics import graph_mutations

log = get_logger()


def make_work(service: ServiceSettings) -> Work:
    """Compose the service out of settings."""
    parts = load_parts()
    if parts.claude.has_key:
        pipelines = {task.pipeline for task in make_tasks(parts.settings)}
        llm_metrics.show(pipelines, {parts.claude.model, parts.claude.cheaper_model})

    async def work(health: Health, stop: asyncio.Event) -> None:
        if parts.notice:
            health.notice = parts.notice
            log.warning("no_api_key", notice=parts.notice)
        crash = CrashPoint(service.crashpoint)
        backoff = Backoff(base_s=0.2, cap_s=5.0)
        while not stop.is_set():
            try:
                async with enriching(parts, crash=crash.reached) as enrichment:
                    health.not_ready.pop("store_down", None)
                    await _loop(service, parts, enrichment, health, crash).run(stop)
            except StoreDown as down:
                health.not_ready["store_down"] = str(down)
                log.warning("store_awaited", store_error=str(down))
                await wait_or(stop, backoff.next_s(down.retry_after_s))

    return work


def _loop(
    service: ServiceSettings, parts: Parts, enrichment: Enrichment, health: Health, crash: CrashPoint
) -> TransformLoop:
    handlers = {task.topic: _handler(task, enrichment) for task in make_tasks(parts.settings)}
    producer = KafkaProducer(parts.kafka.bootstrap, client_id=NAME)
    return TransformLoop(
        Transform(NAME, handlers),
        KafkaConsumer(parts.kafka.bootstrap, group=NAME, topics=[topic.name for topic in handlers]),
        producer,
        DeadLetters(producer, NAME),
        health,
        Watchdog(service.watchdog_s),
        TransformOptions(in_flight=parts.settings.in_flight),
        crash,
    )


def _handler(task: Task[Any], enrichment: Enrichment) -> Handler:
    async def read(payload: Any) -> Outputs:
        return [(graph_mutations.TOPIC, mutation) for mutation in await enrichment.read(task, payload)]

    return read


if __name__ == "__main__":
    sys.exit(run_service(NAME, make_work))
