"""What is said of made-up windows, held against a second, plain computation."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable
from typing import Any

import pytest
from scipy import stats

from tests.minute_bars import EVENTS, Said, bar, events, feed, make_market, session
from topics.price_updates import PriceBar

pytestmark = pytest.mark.unit


def read(said: Said, topic: str, told: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said[topic, told][2] or b"")
    return found


def signal(said: Said, told: str) -> dict[str, Any]:
    return read(said, "technical-signals", told)


def calm(minutes: int, symbol: str = "AAPL") -> list[PriceBar]:
    """A price that goes up and down by a tenth of a percent."""
    return [bar(symbol, minute, 100.0 if minute % 2 else 100.1) for minute in range(minutes)]


def test_signals_are_what_they_are_called() -> None:
    bars = [one for one in session(["AAPL"], seed=3) if one.ts.minute != 37]
    said = feed(make_market(), bars)
    closes = {(one.ts.hour * 60 + one.ts.minute): one for one in bars}
    at = 16 * 60 + 40
    assert signal(said, "AAPL:return-1:1m:2026-11-20T16:40:00Z")["value"] == pytest.approx(
        math.log(closes[at].close / closes[at - 1].close)
    )
    found = [
        math.log(closes[end].close / closes[end - 1].close)
        for end in range(at - 19, at + 1)
        if end in closes and end - 1 in closes
    ]
    assert signal(said, "AAPL:volatility-20:1m:2026-11-20T16:40:00Z")["value"] == pytest.approx(
        statistics.stdev(found)
    )
    five = [closes[minute] for minute in range(at, at + 5) if minute in closes]
    made = signal(said, "AAPL:bar:5m:2026-11-20T16:40:00Z")
    assert (made["value"], made["lower"], made["upper"]) == (
        five[-1].close, min(one.low for one in five), max(one.high for one in five),
    )  # fmt: skip
    volumes = [
        sum(closes[minute].volume for minute in range(start, start + 5) if minute in closes)
        for start in range(at - 100, at + 1, 5)
    ]
    volume = signal(said, "AAPL:volume:5m:2026-11-20T16:40:00Z")
    assert (volume["value"], volume["signal"]) == (volumes[-1], statistics.median(volumes[:-1]))
    hour_ago = [closes[minute] for minute in range(at - 60, at - 55) if minute in closes]
    assert signal(said, "AAPL:return-12:5m:2026-11-20T16:40:00Z")["value"] == pytest.approx(
        math.log(five[-1].close / hour_ago[-1].close)
    )
    assert signal(said, "AAPL:bar:15m:2026-11-20T16:30:00Z")["computed_at"] == "2026-11-20T16:45:01Z"


def test_correlations_are_pearson_s_of_the_returns_that_both_have() -> None:
    bars = session(["AAPL", "MSFT"], minutes=90, jumps=False)
    said = feed(make_market(), bars)
    found = read(said, "correlation-updates", "AAPL:MSFT:60m:2026-11-20T15:50:00Z")
    closes = {(one.symbol, one.ts.hour * 60 + one.ts.minute): one.close for one in bars}
    both = [
        [math.log(closes[symbol, at] / closes[symbol, at - 1]) for symbol in ("AAPL", "MSFT")]
        for at in range(14 * 60 + 50, 15 * 60 + 50)
        if all((symbol, minute) in closes for symbol in ("AAPL", "MSFT") for minute in (at, at - 1))
    ]
    expected = stats.pearsonr(*zip(*both, strict=True))
    assert found["n"] == len(both)
    assert found["r"] == pytest.approx(expected.statistic, abs=1e-6)
    assert found["p_value"] == pytest.approx(expected.pvalue, rel=1e-3)
    assert found["change"] == ("changed" if abs(found["r"]) >= 0.5 else "gone")


def test_prices_that_stand_still_correlate_with_nothing() -> None:
    still = [bar("MSFT", minute, 50.0) for minute in range(60)]
    said = feed(make_market(), [*calm(60), *still])
    found = read(said, "correlation-updates", "AAPL:MSFT:60m:2026-11-20T15:30:00Z")
    assert (found["r"], found["p_value"], found["change"]) == (0.0, 1.0, "gone")


def jumping(to: float, volume: float = 1000.0, at: int = 60) -> list[PriceBar]:
    return [*calm(at), *(bar("AAPL", at + minute, to, volume=volume) for minute in range(5))]


def test_an_unusual_move_is_told_with_its_severity() -> None:
    [event] = events(feed(make_market(), jumping(95.0)))
    assert event["title"].startswith("AAPL fell 5.00% in 5 minutes, ")
    assert event["summary"] == (
        "From 100 to 95 between 15:30 and 15:35 UTC on 2026-11-20; 5000 shares were traded."
    )
    assert event["severity"] == 1.0
    assert event["symbols"] == ["AAPL"]
    assert (event["published_at"], event["kind"]) == ("2026-11-20T15:35:00Z", "price-move")
    [smaller] = events(feed(make_market(), jumping(98.0)))
    assert 0.3 < smaller["severity"] < 0.5


def test_small_moves_and_moves_with_nothing_to_compare_with_are_no_events() -> None:
    assert events(feed(make_market(), jumping(100.3))) == []
    assert events(feed(make_market(), jumping(95.0, at=15))) == []
    still = [bar(minute=minute) for minute in range(60)]
    assert events(feed(make_market(), [*still, bar(minute=60, close=110.0)])) == []


def test_an_unusual_volume_is_told_and_never_very_severe() -> None:
    [event] = events(feed(make_market(), jumping(100.0, volume=14_000.0)))
    assert event["title"].endswith("at 14.0 times its usual volume")
    assert event["severity"] == pytest.approx(0.14)
    [most] = events(feed(make_market(), jumping(100.0, volume=1e9)))
    assert most["severity"] == 0.5


def test_with_a_hole_an_event_waits_until_it_is_settled() -> None:
    market = make_market()
    bars = jumping(95.0)
    hole = bars.pop(62)
    said = feed(market, bars)
    assert events(said) == []
    feed(market, [hole], said)
    assert len(events(said)) == 1

    market = make_market()
    said = feed(market, bars)
    after = (bar(minute=65 + minute, close=95.0 + minute / 100) for minute in range(6))
    assert [len(events(feed(market, [one], said))) for one in after] == [0, 0, 0, 0, 0, 1]


def test_a_corrected_bar_corrects_an_event_or_takes_it_back() -> None:
    market, bars = make_market(), jumping(95.0)
    said = feed(market, bars)
    feed(market, corrected(bars[-5:], 97.0), said)
    [event] = events(said)
    assert "fell 3.00%" in event["title"]
    feed(market, corrected(bars[-5:], 100.0, fetched_s=120), said)
    assert events(said) == []
    [(_, _, value)] = [record for (topic, _), record in said.items() if topic == EVENTS]
    assert json.loads(value or b"")["severity"] == 0
    assert "nothing unusual" in json.loads(value or b"")["title"]


def corrected(bars: Iterable[PriceBar], close: float, fetched_s: float = 60) -> list[PriceBar]:
    start = {one: (one.ts - bar().ts).total_seconds() // 60 for one in bars}
    return [bar(minute=int(at), close=close, fetched_s=fetched_s) for at in start.values()]
