"""The service: the watch list each day; what only the last resort answered is asked for again."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from axiom.bus.port import Producer
from axiom.contracts.payload import rfc3339
from axiom.errors import DeliveryFailed, Transient
from axiom.resilience.backoff import Backoff
from axiom.resilience.clock import Clock
from axiom.runtime.jobs import Results, Run
from axiom.runtime.outbox import Outbox, run_until_stopped
from axiom.sources.settings import SourceSettings
from axiom.telemetry import tracing
from axiom.telemetry.health import Health
from axiom.telemetry.logs import get_logger
from services.fundamentals_producer.cycle import Chain, Fresh, Report, publish_cycle
from services.fundamentals_producer.metrics import UNSETTLED
from services.fundamentals_producer.settings import FundamentalsSettings
from topics.company_fundamentals import TOPIC

NAME = "fundamentals-producer"
log = get_logger()


class FundamentalsProducer:
    """Runs the rounds and tells how they went, in the log and in /health."""

    def __init__(
        self,
        chain: Chain,
        producer: Producer,
        settings: FundamentalsSettings,
        shared: SourceSettings,
        clock: Clock,
        health: Health,
    ) -> None:
        self._chain = chain
        self._symbols = list(shared.watched)
        self._poll_every_s = settings.poll_every_s
        self._clock = clock
        self._health = health
        self._outbox = Outbox(producer, TOPIC, NAME, clock, health)
        self._backoff = Backoff(shared.retry_min_s, shared.retry_max_s)
        self._fresh = Fresh()
        self._busy = asyncio.Lock()
        last_resorts = {source.name for source in chain.sources if source.capabilities.last_resort}
        self._real = [source.name for source in chain.sources if source.name not in last_resorts]
        health.details["symbols"] = len(self._symbols)
        health.details["sources"] = lambda: {name: b.state.value for name, b in chain.breakers.items()}

    async def run(self, stop: asyncio.Event, *, scheduled: bool = False) -> None:
        """Work until `stop` is set; what is queued for Kafka then gets a few seconds.

        `scheduled`: only the round at the start is made by itself, the others by `company_profiles`.
        """
        await run_until_stopped(stop, self._work(scheduled), self._chain.close, self._outbox.close)

    async def company_profiles(self, run: Run) -> Results:
        """The job `company_profiles`: one round, for the command's symbols or all that are watched.

        Raises:
            Transient: some symbols are not settled, or Kafka did not take the records.
        """
        asked = list(run.command.symbols) or self._symbols
        async with self._busy:
            try:
                report = await self.cycle(asked)
            except DeliveryFailed as error:
                self._fresh.forget()
                raise Transient(str(error)) from error
            left = self._unsettled(asked, report)
            wait_s = self._tell(report, left, self._clock.monotonic() + self._poll_every_s)
        if left:
            raise Transient(
                f"{len(left)} of {len(asked)} companies: {report.reasons()}", retry_after_s=wait_s
            )
        return {"published": str(sum(report.published.values())), "missed": str(len(report.missed))}

    async def publish_anew(self, symbols: Collection[str]) -> Report:
        """Get these companies' profiles and write all of them, also those that say nothing new.

        Raises:
            Transient: Kafka did not take the records.
        """
        async with self._busy:
            try:
                return await self.cycle(symbols, anew=True)
            except DeliveryFailed as error:
                self._fresh.forget()
                raise Transient(str(error)) from error

    async def _work(self, scheduled: bool) -> None:
        left: list[str] = []
        round_began_s = -self._poll_every_s
        while True:
            if scheduled and not left and round_began_s >= 0:
                await asyncio.Event().wait()
            if self._clock.monotonic() - round_began_s >= self._poll_every_s:
                left, round_began_s = self._symbols, self._clock.monotonic()
                self._backoff.reset()
            try:
                async with self._busy:
                    report = await self.cycle(left)
            except (DeliveryFailed, Transient) as error:
                self._fresh.forget()
                wait_s = self._backoff.next_s()
                log.error("delivery_failed", why=str(error), retry_in_s=round(wait_s, 1))
            else:
                left = self._unsettled(left, report)
                wait_s = self._tell(report, left, round_began_s + self._poll_every_s)
            await self._clock.sleep(wait_s)

    async def cycle(self, symbols: Collection[str], *, anew: bool = False) -> Report:
        """One round for these symbols; `anew` also writes what says nothing new.

        Raises:
            DeliveryFailed: Kafka did not take the records.
        """
        with tracing.span("fetch fundamentals", root=True):
            answers = self._chain.fetch(symbols, self._clock.now())
            report = await publish_cycle(
                answers, self._outbox.send, lambda company: self._fresh(company) or anew,
                lambda: self._clock.now().timestamp(),
            )  # fmt: skip
            await self._outbox.flush()
        summary = {"published": dict(report.published), "missed_symbols": len(report.missed)}
        self._health.details["last_cycle"] = {"at": rfc3339(self._clock.now()), **summary}
        log.info("cycle_finished", **summary, why=report.reasons() or None)
        return report

    def _unsettled(self, asked: Collection[str], report: Report) -> list[str]:
        """The symbols that a source with figures of the day may still answer for."""
        settled = {symbol for symbol, source in report.answered.items() if source in self._real}
        settled |= {missed.symbol for missed in report.missed if missed.absent}
        if not report.why:  # nobody had a problem: the last resort is all there is of the others
            settled |= report.answered.keys()
        left = [symbol for symbol in asked if symbol not in settled]
        UNSETTLED.set(len(left))
        return left

    def _tell(self, report: Report, left: Collection[str], next_round_s: float) -> float:
        """Readiness and the notice that people see; returns how long to wait, in seconds."""
        wait_s = max(0.0, next_round_s - self._clock.monotonic())
        notice = None
        if left:
            breakers = [self._chain.breakers[name] for name in self._real]
            soonest_s = min((breaker.retry_in_s for breaker in breakers), default=0.0)
            wait_s = min(wait_s, self._backoff.next_s(at_least_s=soonest_s))
            stood_in = sum(1 for source in report.answered.values() if source not in self._real)
            instead = f"{stood_in} of {len(left)} companies come from the list of companies alone; "
            notice = f"no live source has fundamentals of {len(left)} companies ({report.reasons()}); "
            notice += f"{instead if stood_in else ''}asking again in {wait_s:.0f} s"
            log.warning("companies_unsettled", notice=notice)
        self._health.notice = notice
        self._health.not_ready.pop("service", None)
        self._health.not_ready.pop("sources", None)
        if left and not report.answered:
            self._health.not_ready["sources"] = notice or ""
        return wait_s
