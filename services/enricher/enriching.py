"""What the service and `axiom enrich` share: the parts by settings, and the enrichment made of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from axiom.bus.kafka import KafkaLogReader, KafkaProducer
from axiom.errors import Misconfigured
from axiom.llm.batches import BatchDesk
from axiom.llm.budget import BudgetSettings, Conduct, conduct
from axiom.llm.desk import Desk
from axiom.llm.ledger import MIGRATIONS as LEDGER
from axiom.llm.port import Answer, Request
from axiom.llm.service import open_desk
from axiom.llm.settings import ClaudeSettings
from axiom.resilience.clock import Clock, SystemClock
from axiom.settings import KafkaSettings, PostgresSettings, load
from axiom.stores.control import ControlStore
from axiom.universe.store import MIGRATIONS as UNIVERSE
from axiom.universe.store import Universes
from axiom.universe.watchlist import WatchListSettings
from services.enricher.batching import BatchQueue
from services.enricher.graph import Enrichment
from services.enricher.settings import EnricherSettings
from services.enricher.tasks.companies import CompanyTask
from services.enricher.tasks.correlations import CorrelationTask
from services.enricher.tasks.events import EventTask
from services.enricher.tasks.port import Task
from services.enricher.universes import NameLists

if TYPE_CHECKING:
    from axiom.llm.claude import ClaudeClient

NAME = "enricher"
CONDUCT_FOR_S = 2.0


@dataclass(frozen=True)
class Parts:
    """Every setting that enrichment needs."""

    settings: EnricherSettings
    claude: ClaudeSettings
    budget: BudgetSettings
    kafka: KafkaSettings
    postgres: PostgresSettings
    core: tuple[str, ...]

    @property
    def notice(self) -> str | None:
        """What a person should know before anything is read."""
        if self.claude.has_key:
            return None
        return (
            "no API key is set (AXIOM_CLAUDE_API_KEY): what the ledger does not know is read by the local "
            "extractor, and its mutations say so (method: local)"
        )


def load_parts() -> Parts:
    """From the environment.

    Raises:
        Misconfigured: a setting is missing or wrong.
    """
    return Parts(
        load(EnricherSettings), load(ClaudeSettings), load(BudgetSettings), load(KafkaSettings),
        load(PostgresSettings), load(WatchListSettings).watched,
    )  # fmt: skip


def make_tasks(settings: EnricherSettings) -> list[Task[Any]]:
    """Every task; each reads one topic."""
    return [EventTask(settings.min_severity), CompanyTask(), CorrelationTask(settings.min_correlation)]


class Nobody:
    """Stands where Claude would, when there is no key."""

    async def ask(self, request: Request) -> Answer:
        """Never gets so far: without a key nothing is reserved."""
        raise Misconfigured("set AXIOM_CLAUDE_API_KEY to ask Claude")

    async def close(self) -> None:
        """Nothing to release."""


@asynccontextmanager
async def enriching(
    parts: Parts, *, clock: Clock | None = None, crash: Callable[[str], None] = lambda place: None
) -> AsyncIterator[Enrichment]:
    """The enrichment on PostgreSQL, Kafka and Claude, while the context lasts.

    Raises:
        StoreDown: PostgreSQL or Kafka does not answer yet.
    """
    clock = clock or SystemClock()
    control = ControlStore(parts.postgres, migrations={**UNIVERSE, "llm": LEDGER})
    client = _client(parts.claude) if parts.claude.has_key else None
    producer = KafkaProducer(parts.kafka.bootstrap, client_id=f"{NAME}-ledger")
    async with AsyncExitStack() as exits:
        for part in (control, client, producer):
            if part is not None:
                exits.push_async_callback(part.close)
        universes = Universes(control)
        await universes.setup()
        reader = KafkaLogReader(parts.kafka.bootstrap)
        desk = await exits.enter_async_context(
            open_desk(control, producer, reader, client or Nobody(), parts.budget, clock=clock, crash=crash)
        )
        batches = _batches(parts, desk, client, clock)
        if batches is not None:
            sender = asyncio.create_task(batches.run())
            exits.push_async_callback(_end, sender)
        yield Enrichment(
            desk,
            NameLists(universes, clock),
            _Conducts(parts, desk, clock),
            parts.core,
            concurrency=parts.settings.concurrency,
            max_mutations=parts.settings.max_mutations,
            batches=batches,
        )


def _client(settings: ClaudeSettings) -> ClaudeClient:
    # Anthropic's package takes a second to load and 70 MB: only who has a key pays that.
    from axiom.llm.claude import ClaudeClient

    return ClaudeClient(settings)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _batches(parts: Parts, desk: Desk, client: ClaudeClient | None, clock: Clock) -> BatchQueue | None:
    settings = parts.settings
    if client is None or not settings.batch_companies:
        return None
    responses = {task.name: task.prompt.response for task in make_tasks(settings)}
    prices = parts.budget.price_table()
    batch_desk = BatchDesk(desk.ledger, client, prices, parts.budget, responses, clock=clock)
    return BatchQueue(
        batch_desk, desk, size=settings.batch_size, wait_s=settings.batch_wait_s,
        poll_s=settings.batch_poll_s, clock=clock,
    )  # fmt: skip


class _Conducts:
    """How to go about it, by the ledger's sums; asked of PostgreSQL every two seconds at most."""

    def __init__(self, parts: Parts, desk: Desk, clock: Clock) -> None:
        self._parts = parts
        self._desk = desk
        self._clock = clock
        self._now: Conduct | None = None
        self._until_s = 0.0

    async def __call__(self) -> Conduct | None:
        claude = self._parts.claude
        if not claude.has_key:
            return None
        if self._now is None or self._clock.monotonic() >= self._until_s:
            self._now = conduct(await self._desk.mode(), claude)
            self._until_s = self._clock.monotonic() + CONDUCT_FOR_S
        return self._now
