"""What `axiom publish …` has in common: rows of a file to a topic, with progress and a report."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn

from axiom.bus.deadletters import publish
from axiom.bus.kafka import KafkaAdmin, KafkaProducer
from axiom.bus.port import Producer
from axiom.contracts.headers import current_traceparent, new_traceparent
from axiom.contracts.payload import Payload
from axiom.contracts.topic import Topic
from axiom.errors import DeliveryFailed, Misconfigured
from axiom.settings import KafkaSettings, load
from axiom.sources.outcomes import BadRow

PUBLISHER = "axiom-publish"
SHOWN_BAD_ROWS = 10
SHOW_EVERY = 1000
INTERRUPT_CLOSE_S = 5.0
P = TypeVar("P", bound=Payload)


@dataclass
class Published:
    """What came of a file; `rejected` has the first bad rows, `rejected_rows` counts all."""

    topic: str
    published: int = 0
    too_large: int = 0
    rejected_rows: int = 0
    rejected: list[BadRow] = field(default_factory=list)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """JSON-ready; `rejected` is cut to the first rows."""
        rows = [{"where": row.where, "why": row.reason} for row in self.rejected]
        return {
            "topic": self.topic,
            "published": self.published,
            "too_large": self.too_large,
            "rejected_rows": self.rejected_rows,
            "rejected": rows,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True)
class Job:
    """What is to be published.

    Attributes:
        rows: payloads of the topic and bad rows, in the file's order.
        what: the plural of what is published, for people.
        wait_for: waits until it is time for a payload; None: as fast as possible.
    """

    topic: Topic[Any]
    rows: Iterator[Any]
    what: str
    limit: int | None = None
    wait_for: Callable[[Any], Awaitable[None]] | None = None


def run(job: Job, as_json: bool) -> None:
    """Publish, show progress, report; exit code 1 when nothing was published.

    Raises:
        Misconfigured: the topic is not there.
    """
    bootstrap = load(KafkaSettings).bootstrap
    if job.topic.name not in KafkaAdmin(bootstrap).names():
        raise Misconfigured(f"there is no topic {job.topic.name} yet: `axiom topics create` makes it")
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(), TextColumn("{task.completed:,.0f} " + job.what), _Rate(), TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, disable=as_json or not console.is_terminal) as bar:
        task = bar.add_task(job.what, total=None)
        outcome = asyncio.run(_publish(bootstrap, job, lambda done: bar.update(task, completed=done)))
    _report(outcome, job.what, as_json)


async def send_rows(producer: Producer, job: Job, show: Callable[[int], None]) -> Published:
    """Send a file's rows; `show` is told now and then how many are sent."""
    outcome = Published(job.topic.name)
    for row in job.rows:
        if isinstance(row, BadRow):
            outcome.rejected_rows += 1
            if len(outcome.rejected) < SHOWN_BAD_ROWS:
                outcome.rejected.append(row)
            continue
        if job.wait_for is not None:
            await job.wait_for(row)
        if await publish(producer, job.topic, row, PUBLISHER):
            outcome.published += 1
        else:
            outcome.too_large += 1
        if outcome.published % SHOW_EVERY == 0:
            show(outcome.published)
        if outcome.published == job.limit:
            break
    show(outcome.published)
    return outcome


async def _publish(bootstrap: str, job: Job, show: Callable[[int], None]) -> Published:
    began_s = time.monotonic()
    producer = KafkaProducer(bootstrap, client_id=PUBLISHER)
    current_traceparent.set(new_traceparent())
    try:
        outcome = await send_rows(producer, job, show)
        await producer.flush()
    finally:
        await _close(producer)
    outcome.seconds = time.monotonic() - began_s
    return outcome


async def _close(producer: KafkaProducer) -> None:
    """After a flush this is quick; after Ctrl-C or a failure, what is queued gets a few seconds."""
    try:
        async with asyncio.timeout(INTERRUPT_CLOSE_S):
            await producer.close()
    except (TimeoutError, DeliveryFailed):
        return


def _report(outcome: Published, what: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps(outcome.as_json()))  # noqa: T201
    else:
        console = Console()
        rate = outcome.published / outcome.seconds if outcome.seconds else 0.0
        took = f"{outcome.seconds:.1f} s ({rate:,.0f}/s)"
        console.print(f"[bold]{outcome.published:,}[/] {what} written to {outcome.topic} in {took}")
        if outcome.too_large:
            console.print(f"[yellow]{outcome.too_large:,}[/] were too large: see dead-letters")
        if outcome.rejected_rows:
            console.print(f"[yellow]{outcome.rejected_rows:,}[/] rows are no {what} and were left out:")
            for row in outcome.rejected:
                console.print(f"  {row.where}: {escape(row.reason)}", highlight=False)
            if outcome.rejected_rows > len(outcome.rejected):
                console.print(f"  … and {outcome.rejected_rows - len(outcome.rejected):,} more")
    if outcome.published == 0:
        raise typer.Exit(1)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> str:
        return f"{task.speed or 0:,.0f}/s"
