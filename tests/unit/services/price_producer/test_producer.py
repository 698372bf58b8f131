from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from axiom.bus.memory import MemoryBroker, MemoryProducer
from axiom.contracts.record import Message
from axiom.errors import DeliveryFailed, Transient
from axiom.resilience.breaker import CircuitBreaker
from axiom.resilience.clock import ManualClock
from axiom.resilience.negative import NegativeCache
from axiom.sources.outcomes import NoSuchSymbol, SourceDown
from axiom.telemetry.health import Health
from services.price_producer.chain import SourceChain
from services.price_producer.producer import PriceProducer
from services.price_producer.settings import ProducerSettings
from services.price_producer.sources.port import Bars, Capabilities, Outcome, PriceSource, Request
from tests.runs import run_of
from tests.unit.services.price_producer.fakes import BOTH, DAILY, FakeSource, bar, gives_bars
from topics.price_updates import TOPIC, PriceBar

pytestmark = pytest.mark.unit

SATURDAY = datetime(2026, 11, 21, 12, tzinfo=UTC)
MONDAY_OPEN = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
SYMBOLS = ["AAPL", "KO"]


def unreachable(symbol: str, _: Request) -> Outcome:
    return SourceDown(symbol, "connection refused", reachable=False)


def sample_bar(symbol: str, _: Request) -> Outcome:
    return Bars(symbol, (bar(symbol, source="sample"),))


class Bench:
    """A producer on a memory broker, with its clock in the test's hand."""

    def __init__(self, *sources: PriceSource, now: datetime = SATURDAY) -> None:
        self.clock = ManualClock(now)
        self.broker = MemoryBroker()
        self.broker.create(TOPIC.name)
        self.kafka: Any = MemoryProducer(self.broker)
        self.health = Health("price-producer")
        self.sources = sources

    @asynccontextmanager
    async def running(self, *, scheduled: bool = False) -> AsyncIterator[PriceProducer]:
        settings = ProducerSettings(symbols=tuple(SYMBOLS), retry_min_s=30, retry_max_s=30)
        breakers = {source.name: CircuitBreaker(source.name, 3, 60, self.clock) for source in self.sources}
        chain = SourceChain(self.sources, breakers, NegativeCache(3600, clock=self.clock))
        stop = asyncio.Event()
        producer = PriceProducer(chain, self.kafka, SYMBOLS, settings, self.clock, self.health)
        task = asyncio.create_task(producer.run(stop, scheduled=scheduled))
        try:
            await self.clock.advance(0)
            yield producer
        finally:
            stop.set()
            await task

    def written(self) -> list[dict[str, Any]]:
        return [json.loads(record.value or b"") for record in self.broker.records(TOPIC.name)]

    def sources_written(self) -> list[tuple[str, str]]:
        return [(bar["symbol"], bar["source"]) for bar in self.written()]


async def test_a_start_on_a_weekend_backfills_and_idles() -> None:
    source = FakeSource("live")
    bench = Bench(source)
    async with bench.running():
        assert source.asked[0][1] == Request(
            "1d", datetime(2026, 8, 28, tzinfo=UTC), SATURDAY.replace(hour=0)
        )
        assert source.asked_symbols() == SYMBOLS
        assert [record["symbol"] for record in bench.written()] == SYMBOLS
        assert bench.health.not_ready == {}
        assert bench.health.notice is None
        await bench.clock.advance(24 * 3600)
        assert source.asked == []
    assert source.closed


async def test_a_cycle_is_told_in_health_and_shares_a_trace() -> None:
    bench = Bench(FakeSource("live"))
    async with bench.running():
        summary = bench.health.summary()
        assert summary["sources"] == {"live": "closed"}
        assert summary["last_cycle"]["bars"] == {"live": 2}
        traces = {(record.header("traceparent") or b"")[3:35] for record in bench.broker.records(TOPIC.name)}
        assert len(traces) == 1


async def test_without_a_live_source_the_sample_is_replayed_once_and_said_so() -> None:
    live = FakeSource("live", unreachable)
    sample = FakeSource(
        "sample", lambda s, _: Bars(s, (bar(s, source="sample"),)), live=False, lists=["AAPL", "RRC"]
    )
    bench = Bench(live, sample)
    async with bench.running():
        assert bench.sources_written() == [("AAPL", "sample"), ("RRC", "sample")]
        assert bench.written()[0]["source_reason"] == "live: connection refused"
        assert bench.health.not_ready == {}
        notice = bench.health.notice or ""
        assert "no live price source answers (live: connection refused" in notice
        assert "the bundled sample (2 bars, 2026-11-19 to 2026-11-19) was replayed" in notice
        assert "asking again in" in notice
        await bench.clock.advance(3600)
        assert len(bench.written()) == 2, "once"
        assert 30 <= len(live.asked) <= 62, "and kept asking"
        live.answer = gives_bars
        await bench.clock.advance(120)
        assert bench.sources_written()[2:] == [("AAPL", "fake"), ("KO", "fake")]
        assert bench.health.notice is None


async def test_with_nothing_to_give_it_is_not_ready_until_a_source_answers() -> None:
    live = FakeSource("live", unreachable)
    bench = Bench(live)
    async with bench.running():
        assert "no live price source answers" in bench.health.not_ready["sources"]
        live.answer = gives_bars
        await bench.clock.advance(120)
        assert bench.health.not_ready == {}


async def test_only_the_symbols_that_failed_are_fetched_again() -> None:
    failing = {"KO"}

    def answer(symbol: str, request: Request) -> Outcome:
        return SourceDown(symbol, "HTTP 503") if symbol in failing else gives_bars(symbol, request)

    source = FakeSource("live", answer)
    bench = Bench(source)
    async with bench.running():
        assert source.asked_symbols() == ["AAPL", "KO"]
        assert bench.health.notice is None
        failing.clear()
        await bench.clock.advance(60)
        assert source.asked_symbols() == ["KO"]
        await bench.clock.advance(3600)
        assert source.asked == []


async def test_a_symbol_that_does_not_exist_is_not_waited_for() -> None:
    source = FakeSource("live", lambda s, r: gives_bars(s, r) if s == "KO" else NoSuchSymbol(s, "delisted"))
    bench = Bench(source)
    async with bench.running():
        source.asked.clear()
        await bench.clock.advance(3600)
        assert source.asked == []


async def test_market_hours_bring_a_poll_a_minute_and_only_what_is_new() -> None:
    bench = Bench(now=MONDAY_OPEN - timedelta(minutes=5))

    def answer(symbol: str, request: Request) -> Outcome:
        if request.interval == "1d":
            return Bars(symbol, ())
        minutes = int((bench.clock.now() - MONDAY_OPEN).total_seconds() // 60)
        moments = [MONDAY_OPEN + timedelta(minutes=n) for n in range(minutes)]
        return Bars(symbol, tuple(bar(symbol, ts, interval="1m") for ts in moments))

    source = FakeSource("live", answer)
    bench.sources = (source,)
    async with bench.running():
        source.asked.clear()
        await bench.clock.advance(5 * 60 + 60 + 4)
        assert source.asked == []
        await bench.clock.advance(1)
        assert [(s, r.interval, r.start) for s, r in source.asked] == [
            (s, "1m", MONDAY_OPEN) for s in SYMBOLS
        ]
        await bench.clock.advance(120)
        assert [(record["symbol"], record["ts"][11:16]) for record in bench.written()] == [
            (symbol, minute) for minute in ("14:30", "14:31", "14:32") for symbol in SYMBOLS
        ]


async def test_after_the_close_the_sessions_daily_bars_follow() -> None:
    source = FakeSource("live")
    bench = Bench(source, now=datetime(2026, 11, 23, 20, 58, tzinfo=UTC))
    async with bench.running():
        source.asked.clear()
        await bench.clock.advance(20 * 60)
        daily = [request for symbol, request in source.asked if request.interval == "1d" and symbol == "KO"]
        assert [(request.start.day, request.end.day) for request in daily] == [(19, 24)]


class Unreliable(MemoryProducer):
    """Loses the first batch and says so."""

    def __init__(self, broker: MemoryBroker) -> None:
        super().__init__(broker)
        self.fails = 1

    async def flush(self) -> None:
        if self._queued and self.fails:
            self.fails -= 1
            self._queued.clear()
            raise DeliveryFailed("1 record was not delivered")
        await super().flush()


async def test_bars_that_kafka_lost_are_fetched_and_sent_again() -> None:
    bench = Bench(FakeSource("live"))
    bench.kafka = Unreliable(bench.broker)
    async with bench.running():
        assert bench.written() == []
        await bench.clock.advance(60)
        assert [record["symbol"] for record in bench.written()] == SYMBOLS


class Stuck(MemoryProducer):
    """Kafka is away: nothing is confirmed until `back` is set."""

    def __init__(self, broker: MemoryBroker) -> None:
        super().__init__(broker)
        self.back = asyncio.Event()

    async def send(self, message: Message, max_record_bytes: int) -> None:
        self._queued.append(message)

    async def flush(self) -> None:
        await self.back.wait()
        await super().flush()


async def test_not_ready_while_kafka_confirms_nothing() -> None:
    bench = Bench(FakeSource("live"))
    bench.kafka = Stuck(bench.broker)
    async with bench.running():
        await bench.clock.advance(5)
        assert "kafka" in bench.health.not_ready
        bench.kafka.back.set()
        await bench.clock.advance(0)
        assert bench.health.not_ready == {}
        assert len(bench.written()) == 2


class FakeMarket(FakeSource):
    """Streams a bar a second."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__("market")
        self.capabilities = Capabilities(intervals=BOTH, streams=True)
        self._clock = clock

    async def stream(self, symbols: Collection[str]) -> AsyncGenerator[PriceBar, None]:
        while True:
            await self._clock.sleep(1)
            yield bar(next(iter(symbols)), interval="1m")


async def test_a_streaming_market_is_streamed_after_its_history_and_called_made_up() -> None:
    bench = Bench()
    market = FakeMarket(bench.clock)
    bench.sources = (market,)
    async with bench.running():
        assert [request.interval for _, request in market.asked] == ["1d", "1d"]
        assert len(bench.written()) == 2
        await bench.clock.advance(10)
        assert len(bench.written()) == 12
        assert "made up" in (bench.health.notice or "")
        assert bench.health.not_ready == {}


async def test_a_bug_in_a_source_ends_the_service() -> None:
    def bug(symbol: str, request: Request) -> Outcome:
        raise ZeroDivisionError

    bench = Bench(FakeSource("live", bug, intervals=DAILY))
    with pytest.raises(ZeroDivisionError):
        async with bench.running():
            await bench.clock.advance(1)


async def test_where_the_scheduler_is_the_clock_it_works_by_commands_alone() -> None:
    source = FakeSource("live")
    bench = Bench(source, now=MONDAY_OPEN - timedelta(minutes=5))
    async with bench.running(scheduled=True) as producer:
        assert source.asked_symbols() == SYMBOLS, "the history"
        await bench.clock.advance(2 * 3600)
        assert source.asked == [], "no timer of its own"
        moment = MONDAY_OPEN + timedelta(hours=1)
        results = await producer.minute_bars(run_of("data_ingestion", moment, symbols=("KO",)))
        assert (results["symbols"], results["missed"]) == ("1", "0")
        [(symbol, request)] = source.asked
        assert (symbol, request.interval, request.start) == ("KO", "1m", MONDAY_OPEN)
        night = await producer.minute_bars(run_of("data_ingestion", MONDAY_OPEN - timedelta(hours=9)))
        assert night == {"skipped": "the market is closed"}


async def test_a_tick_of_the_past_asks_for_its_own_bars() -> None:
    source = FakeSource("live")
    bench = Bench(source)
    async with bench.running(scheduled=True) as producer:
        source.asked.clear()
        friday = datetime(2026, 11, 20, 21, 10, tzinfo=UTC)
        await producer.daily_bars(run_of("daily_bars", friday, "backfill:b1"))
        assert source.asked[0][1] == Request("1d", friday.replace(hour=0, minute=0), SATURDAY.replace(hour=0))
        source.asked.clear()
        moment = friday - timedelta(hours=2)
        await producer.minute_bars(run_of("data_ingestion", moment, "backfill:b1"))
        assert source.asked[0][1] == Request("1m", moment - timedelta(minutes=1), moment)
        assert await producer.daily_bars(run_of("daily_bars", SATURDAY)) == {"through": "2026-11-20"}


async def test_a_job_without_an_answer_is_tried_again() -> None:
    bench = Bench(FakeSource("live", unreachable), FakeSource("sample", sample_bar, live=False))
    async with bench.running(scheduled=True) as producer:
        with pytest.raises(Transient, match="no live price source answers"):
            await producer.minute_bars(run_of("data_ingestion", MONDAY_OPEN + timedelta(hours=1)))
        with pytest.raises(Transient, match="2 symbols"):
            await producer.daily_bars(run_of("daily_bars", SATURDAY))
