"""The service: its jobs, each a function over a connection of its own, and what they publish."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeVar

from axiom.bus.deadletters import publish
from axiom.bus.port import Producer
from axiom.contracts.payload import Payload, rfc3339
from axiom.contracts.topic import Topic
from axiom.resilience.clock import Clock
from axiom.runtime.jobs import JobHandler, Results, Run
from axiom.settings import PostgresSettings
from axiom.stores.control import ControlStore
from services.analyst.checking import MIGRATIONS, Tier, check
from services.analyst.correlating import Outcome, correlate
from services.analyst.market import open_market
from services.analyst.metrics import EDGES, PUBLISHED
from services.analyst.propagating import Severe, propagate, severe_events
from services.analyst.settings import AnalystSettings
from services.analyst.signalling import signal
from topics import correlation_updates, graph_mutations, technical_signals

NAME = "analyst"
P = TypeVar("P", bound=Payload)


class Analyst:
    """`axiom.runtime.jobs.JobOwner`: computes and publishes; it keeps nothing between runs."""

    name = NAME

    def __init__(
        self, settings: AnalystSettings, postgres: PostgresSettings, producer: Producer, clock: Clock
    ) -> None:
        self._settings = settings
        self._postgres = postgres
        self._producer = producer
        self._clock = clock
        self.handlers: Mapping[str, JobHandler] = {
            "correlation_analyzer": self.correlations,
            "data_quality": self.quality,
            "risk_propagation": self.risk,
            "technical_analysis": self.signals,
        }

    async def correlations(self, run: Run) -> Results:
        """Publish what is news of the windows' correlations, as of the command's moment."""
        async with open_market(self._postgres) as market:
            outcomes = await correlate(market, self._settings, run.command.nominal_at, self._clock.now())
        for outcome in outcomes:
            EDGES.labels(outcome.window).set(outcome.edges)
        await self._publish(
            correlation_updates.TOPIC, (one for outcome in outcomes for one in outcome.updates)
        )
        return {outcome.window: _told(outcome) for outcome in outcomes}

    async def signals(self, run: Run) -> Results:
        """Publish what indicators say at the end of the last session, of all symbols or those named."""
        command = run.command
        async with open_market(self._postgres) as market:
            found = await signal(market, command.nominal_at, self._clock.now(), command.symbols)
        await self._publish(technical_signals.TOPIC, found.signals)
        return {
            "session": str(found.day or "none"),
            "symbols": str(found.symbols),
            "without a bar that day": str(found.stale),
            "readings": str(found.readings),
            "published": str(len(found.signals)),
        }

    async def risk(self, run: Run) -> Results:
        """Publish whom the severe events of the last days reach."""
        return await self.propagate(run.command.nominal_at)

    async def severe(self, now: datetime) -> list[Severe]:
        """The severe events of the last days."""
        async with open_market(self._postgres) as market:
            return await severe_events(market, self._settings, now)

    async def propagate(self, now: datetime) -> Results:
        """As `risk`, without a command."""
        async with open_market(self._postgres) as market:
            found = await propagate(market, self._settings, now)
        await self._publish(graph_mutations.TOPIC, found.mutations)
        return {
            "severe events": str(len(found.events)),
            "links": str(found.links),
            "exposures": str(found.exposed),
            "published": str(len(found.mutations)),
        }

    async def quality(self, run: Run) -> Results:
        """Keep how fresh, complete and believable the bars are, in schema `control`."""
        control = ControlStore(self._postgres, migrations=MIGRATIONS)
        try:
            async with open_market(self._postgres) as market:
                checked, tiers = await check(
                    market, control, run.command.nominal_at, self._settings.checked_sessions
                )
        finally:
            await control.close()
        told = {"session": str(checked.day or "none"), "anomalies": str(len(checked.anomalies))}
        return told | {f"tier {row['tier'] or 'none'}": _of_tier(row) for row in tiers}

    async def close(self) -> None:
        await self._producer.close()

    async def _publish(self, topic: Topic[P], payloads: Iterable[P]) -> None:
        for payload in payloads:
            await publish(self._producer, topic, payload, NAME)
            PUBLISHED.labels(topic.name).inc()
        await self._producer.flush()


def _of_tier(row: Tier) -> str:
    return (
        f"{row['symbols']} symbols, {row['absent']} never got, {row['stale']} stale, "
        f"{row['missing']:.2%} of bars missing, {row['spikes']} spikes, {row['jumps']} jumps, "
        f"{row['inconsistent']} inconsistent"
    )


def _told(outcome: Outcome) -> str:
    if outcome.as_of is None:
        return f"nothing: {outcome.why_not}"
    gone = sum(update.change == "gone" for update in outcome.updates)
    return (
        f"{outcome.symbols} symbols, {outcome.edges} edges as of {rfc3339(outcome.as_of)}, "
        f"{len(outcome.updates) - gone} new or changed, {gone} gone"
    )
