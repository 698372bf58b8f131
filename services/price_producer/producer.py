"""The service: daily history first, then minute bars while the market is open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import cast

from axiom.bus.port import Producer
from axiom.contracts.payload import rfc3339
from axiom.errors import DeliveryFailed, Transient
from axiom.market.hours import MarketHours
from axiom.resilience.backoff import Backoff
from axiom.resilience.clock import Clock
from axiom.runtime.jobs import Results, Run
from axiom.runtime.outbox import Outbox, run_until_stopped
from axiom.sources.metrics import LAST_SUCCESS
from axiom.telemetry import tracing
from axiom.telemetry.health import Health
from axiom.telemetry.logs import get_logger
from services.price_producer import metrics
from services.price_producer.chain import SourceChain
from services.price_producer.cycle import Report, publish_cycle
from services.price_producer.fresh import Fresh
from services.price_producer.plan import (
    LAST_MINUTES,
    NEVER,
    Done,
    FetchDaily,
    Pacing,
    PollMinutes,
    Wait,
    next_step,
)
from services.price_producer.settings import ProducerSettings
from services.price_producer.sources.port import Request, StreamingSource
from topics.price_updates import TOPIC

NAME = "price-producer"
STREAM_FLUSH_S = 1.0
log = get_logger()


class PriceProducer:
    """Runs the cycles and tells how they went, in the log and in /health."""

    def __init__(
        self,
        chain: SourceChain,
        producer: Producer,
        symbols: Collection[str],
        settings: ProducerSettings,
        clock: Clock,
        health: Health,
    ) -> None:
        self._chain = chain
        self._outbox = Outbox(producer, TOPIC, NAME, clock, health)
        self._symbols = list(symbols)
        self._clock = clock
        self._health = health
        self._hours = MarketHours(history_days=settings.backfill_sessions * 3 // 2 + 60)
        self._backfill_sessions = settings.backfill_sessions
        self._pacing = Pacing(
            settings.backfill_sessions,
            timedelta(seconds=settings.poll_every_s),
            timedelta(seconds=settings.poll_delay_s),
        )
        self._backoff = Backoff(settings.retry_min_s, settings.retry_max_s)
        self._live = {source.name for source in chain.sources if source.capabilities.live}
        self._done = Done()
        self._daily_left = self._symbols
        self._daily_through: date | None = None
        self._replayed: str | None = None
        self._live_answers = False
        self._fresh = Fresh()
        self._busy = asyncio.Lock()
        health.details["symbols"] = len(self._symbols)
        health.details["sources"] = lambda: {name: b.state.value for name, b in chain.breakers.items()}

    async def run(self, stop: asyncio.Event, *, scheduled: bool = False) -> None:
        """Work until `stop` is set; what is queued for Kafka then gets a few seconds.

        `scheduled`: only the history at the start comes by itself, the rest by the jobs.
        """
        await run_until_stopped(stop, self._work(scheduled), self._chain.close, self._outbox.close)

    async def minute_bars(self, run: Run) -> Results:
        """The job `data_ingestion`: minute bars of the session that the tick is in, up to its moment; of a
        tick of the past, those of the minute before it.

        Raises:
            Transient: no live source answered, or Kafka did not take the bars.
        """
        moment = run.command.nominal_at
        session = self._hours.open_session(moment, grace=LAST_MINUTES)
        if session is None or self._chain.sources[0].capabilities.streams:
            return {"skipped": "the market is closed" if session is None else "the market is made up"}
        is_past = run.command.trigger.startswith("backfill:")
        start = moment - timedelta(minutes=1) if is_past else session.opens
        end = moment if is_past else session.closes
        return await self._asked(run, Request("1m", start, end))

    async def daily_bars(self, run: Run) -> Results:
        """The job `daily_bars`: of the sessions that are missing up to the last close; of a tick of the past,
        of its session alone.

        Raises:
            Transient: symbols are missing, or Kafka did not take the bars.
        """
        if self._chain.sources[0].capabilities.streams:
            return {"skipped": "the market is made up"}
        if run.command.symbols or run.command.trigger.startswith("backfill:"):
            day = self._hours.last_closed(run.command.nominal_at).day
            start = datetime(day.year, day.month, day.day, tzinfo=UTC)
            return await self._asked(run, Request("1d", start, start + timedelta(days=1)))
        async with self._busy, self._delivering():
            now, done = self._clock.now(), replace(self._done, next_daily=NEVER)
            step = next_step(now, done, self._hours, self._pacing)
            if not isinstance(step, FetchDaily):
                return {"through": str(self._done.daily_through)}
            await self._fetch_daily(step)
        if self._daily_left:
            retry_s = self._chain.retry_in_s
            raise Transient(f"bars of {len(self._daily_left)} symbols are missing", retry_after_s=retry_s)
        return {"through": step.through.isoformat()}

    async def _asked(self, run: Run, request: Request) -> Results:
        async with self._busy, self._delivering():
            symbols = run.command.symbols or self._symbols
            report = await self._cycle(symbols, request, stand_ins=False)
            self._tell(report)
        if report.live_answered(self._live) is False:
            retry_s = self._chain.retry_in_s
            raise Transient(f"no live price source answers ({report.reasons()})", retry_after_s=retry_s)
        bars = sum(report.published.values())
        return {"bars": str(bars), "symbols": str(len(symbols)), "missed": str(len(report.missed))}

    @asynccontextmanager
    async def _delivering(self) -> AsyncIterator[None]:
        """A failed delivery is Transient for a job: the bars are sent again by its next attempt."""
        try:
            yield
        except (DeliveryFailed, Transient) as error:
            self._fresh.forget()
            raise Transient(str(error), getattr(error, "retry_after_s", None)) from error

    async def _work(self, scheduled: bool) -> None:
        first = self._chain.sources[0]
        while True:
            try:
                if first.capabilities.streams:
                    await self._stream(cast(StreamingSource, first))
                elif scheduled:
                    await self._first_history()
                    await asyncio.Event().wait()
                else:
                    await self._step()
            except (DeliveryFailed, Transient) as error:
                self._fresh.forget()
                wait_s = self._backoff.next_s(at_least_s=getattr(error, "retry_after_s", None))
                log.error("delivery_failed", why=str(error), retry_in_s=round(wait_s, 1))
                await self._clock.sleep(wait_s)

    async def _step(self) -> None:
        step = next_step(self._clock.now(), self._done, self._hours, self._pacing)
        match step:
            case FetchDaily():
                await self._fetch_daily(step)
            case PollMinutes(request):
                self._done = replace(self._done, polled_at=self._clock.now())
                report = await self._cycle(self._symbols, request, stand_ins=False)
                self._tell(report)
            case Wait(until):
                await self._clock.sleep((until - self._clock.now()).total_seconds())

    async def _first_history(self) -> None:
        """The sessions before the start, tried until a live source gives them."""
        while self._done.daily_through is None:
            step = next_step(self._clock.now(), self._done, self._hours, self._pacing)
            if isinstance(step, FetchDaily):
                async with self._busy:
                    await self._fetch_daily(step)
            else:
                left_s = (self._done.next_daily - self._clock.now()).total_seconds()
                await self._clock.sleep(max(1.0, left_s))

    async def _fetch_daily(self, step: FetchDaily) -> None:
        if self._daily_through != step.through:
            self._daily_through, self._daily_left = step.through, self._symbols
        report = await self._cycle(self._daily_left, step.request, stand_ins=self._replayed is None)
        settled = {symbol for symbol, source in report.answered.items() if source in self._live}
        settled |= {missed.symbol for missed in report.missed if missed.absent}
        self._daily_left = [symbol for symbol in self._daily_left if symbol not in settled]
        for source in set(report.published) - self._live:
            days = f"{report.first} to {report.last}"
            self._replayed = f"the bundled {source} ({report.published[source]:,} bars, {days})"
        if not self._daily_left:
            self._backoff.reset()
            self._done = replace(self._done, daily_through=step.through)
            self._tell(report)
            return
        wait_s = self._backoff.next_s(at_least_s=self._chain.retry_in_s)
        self._done = replace(self._done, next_daily=self._clock.now() + timedelta(seconds=wait_s))
        self._tell(report, wait_s)

    async def _stream(self, source: StreamingSource) -> None:
        """History up to now, then the source's own market, for ever."""
        now = self._clock.now()
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        start = today - timedelta(days=self._backfill_sessions)
        report = await self._cycle(self._symbols, Request("1d", start, now), stand_ins=False)
        self._tell(report)
        self._health.notice = f"prices are made up: they come from the {source.name} market"
        log.warning("market_is_made_up", notice=self._health.notice)
        flushed_s = self._clock.monotonic()
        async for bar in source.stream(self._symbols):
            if await self._outbox.send(bar):
                metrics.BARS.labels(source.name, bar.interval).inc()
                LAST_SUCCESS.labels(source.name).set(self._clock.now().timestamp())
            if self._clock.monotonic() - flushed_s >= STREAM_FLUSH_S:
                await self._outbox.flush()
                flushed_s = self._clock.monotonic()

    async def _cycle(self, symbols: Collection[str], request: Request, *, stand_ins: bool) -> Report:
        with tracing.span("fetch prices", attributes={"axiom.interval": request.interval}, root=True):
            answers = self._chain.fetch(symbols, request, stand_ins=stand_ins)
            report = await publish_cycle(
                answers, self._outbox.send, self._fresh, lambda: self._clock.now().timestamp()
            )
            await self._outbox.flush()
        metrics.MISSED.labels(request.interval).set(len(report.missed))
        summary = {
            "interval": request.interval,
            "bars": dict(report.published),
            "missed_symbols": len(report.missed),
            "bad_rows": report.bad_rows,
        }
        self._health.details["last_cycle"] = {"at": rfc3339(self._clock.now()), **summary}
        log.info("cycle_finished", **summary, why=report.reasons() or None)
        return report

    def _tell(self, report: Report, retry_in_s: float | None = None) -> None:
        """Readiness, and the notice that people see in /health and in `axiom status`."""
        answered = report.live_answered(self._live)
        self._live_answers = self._live_answers if answered is None else answered
        notice = None
        if not self._live_answers:
            why = report.reasons() if self._live else "none is set up"
            instead = f"; instead, {self._replayed} was replayed" if self._replayed else ""
            retry = f"; asking again in {retry_in_s:.0f} s" if retry_in_s is not None else ""
            notice = f"no live price source answers ({why}){instead}{retry}"
            log.warning("no_live_source_answered", notice=notice)
        self._health.notice = notice
        self._health.not_ready.pop("service", None)
        self._health.not_ready.pop("sources", None)
        if notice is not None and self._replayed is None:
            self._health.not_ready["sources"] = notice
