"""The service: what was published before is recalled, then a round over the sources every few minutes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from axiom.bus.port import LogReader, Producer
from axiom.contracts.payload import rfc3339
from axiom.errors import DeliveryFailed, LogMismatch, Permanent, Transient
from axiom.resilience.backoff import Backoff
from axiom.resilience.breaker import CircuitBreaker
from axiom.resilience.clock import Clock
from axiom.resilience.negative import NegativeCache
from axiom.runtime.jobs import Results, Run
from axiom.runtime.outbox import Outbox, run_until_stopped
from axiom.sources.settings import SourceSettings
from axiom.telemetry import tracing
from axiom.telemetry.health import Health
from axiom.telemetry.logs import get_logger
from services.news_producer.cycle import Report, Round, joiner_of
from services.news_producer.metrics import REMEMBERED
from services.news_producer.settings import NewsSettings
from services.news_producer.sources.port import NewsSource
from services.news_producer.tail import read_tail
from topics.market_events import TOPIC

NAME = "news-producer"
log = get_logger()


class NewsProducer:
    """Runs the rounds and tells how they went, in the log and in /health."""

    def __init__(
        self,
        sources: Sequence[NewsSource],
        breakers: Mapping[str, CircuitBreaker],
        producer: Producer,
        reader: LogReader,
        settings: NewsSettings,
        shared: SourceSettings,
        clock: Clock,
        health: Health,
    ) -> None:
        """`breakers` has one for each source, by its name."""
        self._sources = sources
        self._breakers = breakers
        self._reader = reader
        self._settings = settings
        self._symbols = shared.watched
        self._clock = clock
        self._health = health
        self._live = [source for source in sources if source.capabilities.live]
        self._joiner = joiner_of(settings)
        self._outbox = Outbox(producer, TOPIC, NAME, clock, health)
        absent = NegativeCache(shared.dead_symbol_ttl_s, clock=clock)
        self._round = Round(breakers, absent, self._joiner, self._outbox.send, settings, clock)
        self._backoff = Backoff(shared.retry_min_s, shared.retry_max_s)
        self._replayed: dict[str, int] = {}
        self._started = asyncio.Event()
        self._busy = asyncio.Lock()
        health.details["symbols"] = len(self._symbols)
        health.details["sources"] = lambda: {name: one.state.value for name, one in breakers.items()}
        health.details["remembered"] = lambda: len(self._joiner)

    async def run(self, stop: asyncio.Event, *, scheduled: bool = False) -> None:
        """Work until `stop` is set; what is queued for Kafka then gets a few seconds.

        `scheduled`: of the rounds only the first is made by itself, the others by `track_events`.
        """
        closing = [source.close for source in self._sources]
        await run_until_stopped(stop, self._work(scheduled), *closing, self._outbox.close)

    async def _work(self, scheduled: bool) -> None:
        await self._patiently(self._recall)
        await self._patiently(lambda: self._replay(stand_ins=False))
        while True:
            began_s = self._clock.monotonic()
            report = Report()
            try:
                async with self._busy:
                    await self.cycle(self._symbols, report)
                wait_s = self._next_wait_s(report, self._clock.monotonic() - began_s)
            except (DeliveryFailed, Transient) as error:
                wait_s = self._backoff.next_s()
                log.error("delivery_failed", why=str(error), retry_in_s=round(wait_s, 1))
            else:
                if scheduled:
                    self._started.set()
                    await asyncio.Event().wait()
            await self._clock.sleep(wait_s)

    async def track_events(self, run: Run) -> Results:
        """The job `events_tracker`: one round, for the command's symbols or all that are watched.

        Raises:
            Transient: no live source answered, or Kafka did not take the events.
        """
        await self._started.wait()
        report = Report()
        async with self._busy:
            try:
                await self.cycle(run.command.symbols or self._symbols, report)
            except DeliveryFailed as error:
                raise Transient(str(error)) from error
            self._next_wait_s(report, 0.0)
        if self._live and not report.heard:
            soonest_s = min(self._breakers[source.name].retry_in_s for source in self._live)
            raise Transient(f"no live news source answers ({report.reasons()})", retry_after_s=soonest_s)
        counts: dict[str, int] = {}
        for (_, fate), count in report.fates.items():
            counts[fate] = counts.get(fate, 0) + count
        return {fate: str(count) for fate, count in counts.items()}

    async def cycle(self, symbols: Collection[str], report: Report) -> None:
        """One round for these symbols over all live sources; the stand-in follows if none answers.

        Raises:
            DeliveryFailed: Kafka did not take the events; they are new again in the next round.
        """
        await self._publish(self._live, symbols, report)
        if not report.heard:
            await self._replay(stand_ins=True)
        summary = {
            "published": report.count("published"),
            "merged": report.count("merged"),
            "known": report.count("known"),
            "left_out": report.count("old", "language", "unusable", "too_large"),
        }
        self._health.details["last_cycle"] = {"at": rfc3339(self._clock.now()), **summary}
        log.info("cycle_finished", **summary, why=report.reasons() or None)

    async def _publish(self, sources: Sequence[NewsSource], symbols: Collection[str], report: Report) -> None:
        try:
            with tracing.span("fetch news", root=True):
                await self._round.run(sources, symbols, report)
                await self._outbox.flush()
        except (DeliveryFailed, Transient):
            for event in report.sent:
                self._joiner.forget(event)
            raise
        finally:
            REMEMBERED.set(len(self._joiner))

    async def _recall(self) -> None:
        """Know what is in the topic, so that a restart publishes nothing again."""
        for event in await asyncio.to_thread(read_tail, self._reader, self._settings.remember):
            self._joiner.recall(event)
        log.info("topic_recalled", events=len(self._joiner))

    async def _replay(self, *, stand_ins: bool) -> None:
        """Files once; with `stand_ins`, the bundled sample once."""
        for source in self._sources:
            what = source.capabilities
            if what.live or what.stands_in != stand_ins or source.name in self._replayed:
                continue
            report = Report()
            try:
                await self._publish([source], (), report)
            except Permanent as error:
                if isinstance(error, DeliveryFailed):
                    raise
                log.error("file_unreadable", source=source.name, why=str(error))
            self._replayed[source.name] = sum(report.fates.values())
            log.info("file_replayed", source=source.name, events=self._replayed[source.name])
            self._health.not_ready.pop("service", None)

    async def _patiently(self, step: Callable[[], Awaitable[None]]) -> None:
        """Do a step of the start, again and again while Kafka or its topic is not there."""
        while True:
            try:
                await step()
            except (DeliveryFailed, Transient, LogMismatch) as error:
                wait_s = self._backoff.next_s()
                self._health.not_ready["kafka"] = str(error)
                log.warning("kafka_waited_for", why=str(error), retry_in_s=round(wait_s, 1))
                await self._clock.sleep(wait_s)
            else:
                self._backoff.reset()
                self._health.not_ready.pop("kafka", None)
                return

    def _next_wait_s(self, report: Report, took_s: float) -> float:
        """Until the next round; readiness, and the notice that people see in /health and `axiom status`."""
        notice, wait_s = None, max(0.0, self._settings.poll_every_s - took_s)
        if report.heard or not self._live:
            self._backoff.reset()
        else:
            soonest_s = min(self._breakers[source.name].retry_in_s for source in self._live)
            wait_s = min(self._backoff.next_s(at_least_s=soonest_s), self._settings.poll_every_s)
            notice = f"no live news source answers ({report.reasons()}); {self._instead()}"
            notice += f"asking again in {wait_s:.0f} s"
            log.warning("no_live_source_answered", notice=notice)
        self._health.notice = notice
        self._health.not_ready.pop("service", None)
        self._health.not_ready.pop("sources", None)
        if notice is not None and not self._replayed:
            self._health.not_ready["sources"] = notice
        return wait_s

    def _instead(self) -> str:
        told = [f"{count:,} of {name}" for name, count in self._replayed.items() if name != "sample"]
        if "sample" in self._replayed:
            told.append(f"{self._replayed['sample']:,} made-up headlines of the bundled sample")
        return f"instead, {' and '.join(told)} were replayed; " if told else ""
