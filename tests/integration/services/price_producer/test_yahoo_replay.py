"""yfinance's own client against a local server that plays Yahoo."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from axiom.resilience.clock import ManualClock
from axiom.sources.outcomes import BadRow, NoSuchSymbol, RateLimited, SourceDown
from services.price_producer.sources.port import Bars, Outcome, Request, everything
from services.price_producer.sources.yahoo import YahooSource
from tests.integration.services.price_producer.fake_yahoo import FakeYahoo, fake_yahoo
from tests.unit.services.price_producer.yahoo_payloads import at, chart, refusal
from topics.price_updates import Interval

pytestmark = pytest.mark.integration

RECORDED = Path(__file__).parents[5] / "shared" / "data" / "payloads" / "yahoo"
EVENING = datetime(2026, 11, 20, 23, 0, tzinfo=UTC)


@pytest.fixture
def yahoo() -> Iterator[FakeYahoo]:
    with fake_yahoo() as fake:
        yield fake


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "yahoo-cache"


async def ask(
    yahoo: FakeYahoo,
    cache: Path,
    *symbols: str,
    request: Request | None = None,
    now: datetime = EVENING,
) -> list[Outcome]:
    source = YahooSource(ManualClock(now), cache, 5.0, yahoo.url)
    return [outcome async for outcome in source.fetch(symbols, request or everything("1d"))]


DAILY = {
    at("2026-11-18"): (100.0, 104.0, 99.0, 102.0, 4000),
    at("2026-11-19"): (26.0, 27.0, 25.0, 26.5, 1000),
    at("2026-11-20"): (26.5, 28.0, 26.0, 27.5, 1100),
}


async def test_daily_bars_with_a_split_as_traded(yahoo: FakeYahoo, cache: Path) -> None:
    adjusted = DAILY | {at("2026-11-18"): (25.0, 26.0, 24.75, 25.5, 16000)}
    yahoo.says(chart(adjusted, splits={at("2026-11-19"): (4, 1)}))
    [answer] = await ask(yahoo, cache, "AAPL")
    assert isinstance(answer, Bars)
    assert [(bar.ts.day, bar.open, bar.close, bar.volume, bar.split_ratio) for bar in answer.bars] == [
        (18, 100.0, 102.0, 4000, 1.0),
        (19, 26.0, 26.5, 1000, 4.0),
        (20, 26.5, 27.5, 1100, 1.0),
    ]
    assert {bar.fetched_at for bar in answer.bars} == {EVENING}
    assert yahoo.charts_asked == ["AAPL"], "one request a symbol"


async def test_a_session_in_progress_and_days_outside_the_range_are_left_out(
    yahoo: FakeYahoo, cache: Path
) -> None:
    yahoo.says(chart(DAILY))
    request = Request("1d", datetime(2026, 11, 19, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))
    noon = datetime(2026, 11, 20, 17, tzinfo=UTC)
    [answer] = await ask(yahoo, cache, "AAPL", request=request, now=noon)
    assert isinstance(answer, Bars)
    assert [bar.ts.day for bar in answer.bars] == [19]


async def test_minute_bars(yahoo: FakeYahoo, cache: Path) -> None:
    start = at("2026-11-20")
    rows = {start + 60 * n: (10.0 + n, 11.0 + n, 9.0 + n, 10.5 + n, 100) for n in range(4)}
    yahoo.says(chart(rows, interval="1m"))
    now = datetime.fromtimestamp(start, UTC) + timedelta(minutes=3, seconds=5)
    request = Request("1m", datetime.fromtimestamp(start, UTC), now)
    [answer] = await ask(yahoo, cache, "AAPL", request=request, now=now)
    assert isinstance(answer, Bars)
    assert [(bar.ts.minute, bar.close) for bar in answer.bars] == [(30, 10.5), (31, 11.5), (32, 12.5)]


async def test_null_rows_are_bad_rows_and_the_rest_is_good(yahoo: FakeYahoo, cache: Path) -> None:
    yahoo.says(chart(DAILY | {at("2026-11-19"): (26.0, None, 25.0, 26.5, 1000)}))
    bad, answer = await ask(yahoo, cache, "AAPL")
    assert isinstance(bad, BadRow)
    assert "2026-11-19" in bad.where
    assert isinstance(answer, Bars)
    assert [bar.ts.day for bar in answer.bars] == [18, 20]


async def test_a_symbol_that_exists_and_did_not_trade(yahoo: FakeYahoo, cache: Path) -> None:
    yahoo.says(chart({}, interval="1m"))
    request = Request("1m", EVENING - timedelta(hours=1), EVENING)
    assert await ask(yahoo, cache, "AAPL", request=request) == [Bars("AAPL", ())]


async def test_an_unknown_symbol_does_not_end_the_cycle(yahoo: FakeYahoo, cache: Path) -> None:
    yahoo.says(chart(DAILY))
    yahoo.says(refusal("Not Found", "No data found, symbol may be delisted"), 404, "GONE")
    first, second = await ask(yahoo, cache, "GONE", "AAPL")
    assert first == NoSuchSymbol("GONE", "No data found, symbol may be delisted")
    assert isinstance(second, Bars)


@pytest.mark.parametrize(
    ("status", "body"), [(429, b"Too Many Requests\r\n"), (200, b"Edge: Too Many Requests")]
)
async def test_a_rate_limit_ends_the_cycle(yahoo: FakeYahoo, cache: Path, status: int, body: bytes) -> None:
    yahoo.says(body, status)
    [answer] = await ask(yahoo, cache, "AAPL", "MSFT")
    assert isinstance(answer, RateLimited)
    assert "MSFT" not in yahoo.charts_asked


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (503, b"<html>", "HTTP 503"),
        (502, refusal("Bad Gateway", "upstream"), "HTTP 502"),
        (200, b"<html>Will be right back", "no JSON"),
        (200, refusal("Unauthorized", "Invalid Crumb", "finance"), "Invalid Crumb"),
        (401, refusal("Unauthorized", "Invalid Crumb", "finance"), "Invalid Crumb"),
        (200, {"chart": {"result": [], "error": None}}, "empty answer"),
        (200, {"chart": {"result": None, "error": None}}, "empty answer"),
        (200, {}, "empty answer"),
        (200, {"chart": {"result": [{"meta": {}, "indicators": {"quote": [{"open": [1]}]}}]}}, "Error"),
        (422, refusal("Unprocessable Entity", "The range must be within the last 8 days."), "8 days"),
    ],
)
async def test_other_answers_are_the_source_being_down_for_that_symbol(
    yahoo: FakeYahoo, cache: Path, status: int, body: Any, said: str
) -> None:
    yahoo.says(chart(DAILY))
    yahoo.says(body, status, "ODD")
    odd, good = await ask(yahoo, cache, "ODD", "AAPL")
    assert isinstance(odd, SourceDown)
    assert odd.reachable
    assert said in odd.reason
    assert isinstance(good, Bars)


async def test_an_outage_leaves_nothing_behind_in_yfinances_caches(yahoo: FakeYahoo, cache: Path) -> None:
    yahoo.says(b"<html>", 503)
    [down] = await ask(yahoo, cache, "NVDA")
    assert isinstance(down, SourceDown)
    yahoo.says(chart(DAILY, symbol="NVDA"))
    [up] = await ask(yahoo, cache, "NVDA")
    assert isinstance(up, Bars)
    assert len(up.bars) == 3


async def test_a_refused_connection_ends_the_cycle(yahoo: FakeYahoo, cache: Path) -> None:
    yahoo.url = "http://127.0.0.1:9"
    [answer] = await ask(yahoo, cache, "AAPL", "MSFT")
    assert isinstance(answer, SourceDown)
    assert not answer.reachable
    assert "http" not in answer.reason


async def test_a_server_that_never_answers_ends_the_cycle(yahoo: FakeYahoo, cache: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        source = YahooSource(ManualClock(EVENING), cache, 0.2, url)
        [answer] = [outcome async for outcome in source.fetch(["AAPL", "MSFT"], everything("1d"))]
    assert isinstance(answer, SourceDown)
    assert not answer.reachable


async def test_a_closed_source_asks_nothing(yahoo: FakeYahoo, cache: Path) -> None:
    yahoo.says(chart(DAILY))
    source = YahooSource(ManualClock(EVENING), cache, 5.0, yahoo.url)
    await source.close()
    outcomes = [outcome async for outcome in source.fetch(["AAPL"], everything("1d"))]
    assert isinstance(outcomes[0], SourceDown)
    assert yahoo.charts_asked == []


def recordings() -> list[Path]:
    return sorted(RECORDED.glob("*chart*.json"))


def recording(name: str) -> Any:
    return json.loads((RECORDED / name).read_text())


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded payloads are not on this machine")
@pytest.mark.parametrize("name", [path.name for path in recordings()])
async def test_recorded_answers(yahoo: FakeYahoo, cache: Path, name: str) -> None:
    recorded = recording(name)
    body = recorded["response"]["bodyJson"]
    url = recorded["request"]["url"]
    symbol = url.split("/chart/")[1].split("?")[0]
    interval: Interval = "1m" if "interval=1m" in url else "1d"
    yahoo.says(body, recorded["response"]["status"])
    [answer] = await ask(yahoo, cache, symbol, request=everything(interval))
    assert isinstance(answer, Bars)
    result = body["chart"]["result"][0]
    closes = result["indicators"]["quote"][0].get("close", [])
    assert len(answer.bars) == len(closes)
    splits = result.get("events", {}).get("splits", {}).values()
    ratios = [bar.split_ratio for bar in answer.bars if bar.split_ratio != 1.0]
    assert ratios == [split["numerator"] / split["denominator"] for split in splits]
    for close, when, bar in zip(closes, result.get("timestamp", []), answer.bars, strict=True):
        after = [s["numerator"] / s["denominator"] for s in splits if s["date"] > when]
        assert bar.close == pytest.approx(close * (after[0] if after else 1.0), rel=1e-6)
    assert [bar.ts for bar in answer.bars] == sorted(bar.ts for bar in answer.bars)


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded payloads are not on this machine")
def test_there_are_recordings() -> None:
    assert len(recordings()) > 20
