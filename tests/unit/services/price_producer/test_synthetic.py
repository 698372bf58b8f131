from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axiom.resilience.clock import ManualClock
from axiom.sources.access import Access
from axiom.universe.watchlist import sectors
from services.price_producer.market_model import EPOCH, MarketModel
from services.price_producer.settings import ProducerSettings
from services.price_producer.sources.port import Bars, Request, Setup
from services.price_producer.sources.synthetic import SyntheticSource, make
from topics.price_updates import INTERVAL_LENGTH, Interval, PriceBar

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
MINUTES = st.integers(0, 7 * 365 * 1440).map(lambda minute: EPOCH + timedelta(minutes=minute))
SYMBOLS = st.sampled_from(["AAPL", "XOM", "BRK-B", "NOT-LISTED"])


def model(seed: int = 7) -> MarketModel:
    return MarketModel(seed, sectors())


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**70), symbol=SYMBOLS, minute=MINUTES, others=st.lists(MINUTES, max_size=3))
def test_a_bar_depends_on_seed_symbol_and_time_alone(
    seed: int, symbol: str, minute: datetime, others: list[datetime]
) -> None:
    used = model(seed)
    for other in others:
        used.bar("MSFT", "1m", other)
    assert used.bar(symbol, "1m", minute) == model(seed).bar(symbol, "1m", minute)


@settings(max_examples=30, deadline=None)
@given(symbol=SYMBOLS, minute=MINUTES, seconds=st.floats(0.001, 60))
def test_a_bar_in_progress_is_a_part_of_the_whole(symbol: str, minute: datetime, seconds: float) -> None:
    market = model()
    moment = minute + timedelta(seconds=seconds)
    part, whole = market.bar(symbol, "1m", minute, until=moment), market.bar(symbol, "1m", minute)
    assert part.open == whole.open
    assert whole.low <= part.low <= part.close <= part.high <= whole.high
    assert part.volume <= whole.volume
    assert minute < part.fetched_at <= whole.fetched_at == minute + timedelta(minutes=1)


@pytest.mark.parametrize("interval", ["5m", "1h", "1d"])
def test_minutes_add_up_to_longer_bars(interval: Interval) -> None:
    market, start = model(), datetime(2026, 3, 2, tzinfo=UTC)
    count = INTERVAL_LENGTH[interval] // timedelta(minutes=1)
    minutes = [market.bar("AAPL", "1m", start + timedelta(minutes=n)) for n in range(count)]
    whole = market.bar("AAPL", interval, start)
    assert whole.open == minutes[0].open
    assert whole.close == minutes[-1].close
    assert whole.high == max(bar.high for bar in minutes)
    assert whole.low == min(bar.low for bar in minutes)
    assert whole.volume == pytest.approx(sum(bar.volume for bar in minutes), abs=count)


def test_days_follow_each_other_without_a_gap() -> None:
    market = model()
    days = [market.bar("KO", "1d", EPOCH + timedelta(days=n)) for n in range(1020, 1030)]
    assert [bar.open for bar in days[1:]] == [bar.close for bar in days[:-1]]


def test_another_seed_is_another_market() -> None:
    assert model(1).bar("AAPL", "1d", EPOCH).close != model(2).bar("AAPL", "1d", EPOCH).close


@pytest.mark.slow
def test_symbols_of_one_sector_move_together_more_than_others() -> None:
    market = MarketModel(7, {"A1": "a", "A2": "a", "B1": "b"})

    def returns(symbol: str) -> Sequence[float]:
        closes = [market.bar(symbol, "1d", EPOCH + timedelta(days=n)).close for n in range(400)]
        return [float(r) for r in np.diff(np.log(closes))]

    same = np.corrcoef(returns("A1"), returns("A2"))[0, 1]
    other = np.corrcoef(returns("A1"), returns("B1"))[0, 1]
    assert 0.5 < same < 0.8
    assert 0.2 < other < 0.5
    assert other < same


def source(clock: ManualClock, rate_per_s: float = 10) -> SyntheticSource:
    return SyntheticSource(clock, model(), ["AAPL", "KO"], rate_per_s)


async def test_history_has_closed_bars_of_the_range_alone() -> None:
    request = Request("1h", NOW - timedelta(hours=3, minutes=30), NOW + timedelta(days=1))
    outcomes = [outcome async for outcome in source(ManualClock(NOW)).fetch([], request)]
    bars = [bar for outcome in outcomes if isinstance(outcome, Bars) for bar in outcome.bars]
    assert [o.symbol for o in outcomes if isinstance(o, Bars)] == ["AAPL", "KO"]
    assert [bar.ts for bar in bars if bar.symbol == "KO"] == [NOW - timedelta(hours=n) for n in (3, 2, 1)]
    assert {bar.source for bar in bars} == {"synthetic"}


async def test_the_stream_keeps_its_rate_and_ends_minutes_with_their_final_bars() -> None:
    clock = ManualClock(NOW, skip_sleeps=True)
    seen: list[PriceBar] = []
    async for bar in source(clock, rate_per_s=1).stream([]):
        seen.append(bar)
        if clock.now() >= NOW + timedelta(seconds=65):
            break
    finals = [bar for bar in seen if bar.fetched_at == bar.ts + timedelta(minutes=1)]
    assert [(bar.symbol, bar.ts) for bar in finals] == [("AAPL", NOW), ("KO", NOW)]
    assert finals[0] == model().bar("AAPL", "1m", NOW)
    ticks = [bar for bar in seen if bar not in finals]
    assert 60 <= len(ticks) <= 66
    moments = [bar.fetched_at for bar in ticks if bar.symbol == "AAPL"]
    assert moments == sorted(set(moments))


async def test_the_stream_ends_a_day_with_its_daily_bars() -> None:
    midnight = datetime(2026, 11, 21, tzinfo=UTC)
    clock = ManualClock(midnight - timedelta(seconds=2), skip_sleeps=True)
    daily: list[PriceBar] = []
    async for bar in source(clock, rate_per_s=2).stream(["KO"]):
        daily += [bar] if bar.interval == "1d" else []
        if clock.now() > midnight + timedelta(seconds=2):
            break
    assert [(bar.symbol, bar.ts) for bar in daily] == [("KO", midnight - timedelta(days=1))]


async def test_a_stream_that_was_held_up_does_not_burst() -> None:
    clock = ManualClock(NOW, skip_sleeps=True)
    moments: list[float] = []
    async for _ in source(clock, rate_per_s=10).stream([]):
        moments.append(clock.monotonic())
        if len(moments) == 5:
            clock.move(30)
        if len(moments) == 20:
            break
    after = [b - a for a, b in pairwise(moments[7:])]
    assert all(gap > 0.05 for gap in after)


def test_settings_choose_the_market() -> None:
    clock = ManualClock(NOW)
    chosen = ProducerSettings(symbols=("AAPL",), seed=3, rate_per_s=500)
    made = make(Setup(chosen, clock, Access.in_memory(clock)))
    assert made.capabilities.streams
