"""The sources with keys over pages made here, and over recorded payloads where they are."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from axiom.quota.meter import spending_for
from axiom.resilience.clock import ManualClock
from axiom.settings import load
from axiom.sources.access import Access
from axiom.sources.outcomes import BadRow, NoSuchSymbol, RateLimited, SourceDown
from axiom.web.client import NoAnswer, Page
from services.price_producer.settings import ProducerSettings
from services.price_producer.sources import build
from services.price_producer.sources.alpha_vantage import series_of
from services.price_producer.sources.finnhub import candles_of, quote_of
from services.price_producer.sources.polygon import aggregates_of, grouped_of
from services.price_producer.sources.port import Bars, Capabilities, Request, Setup, everything

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)
DAY = Request("1d", datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC))
MINUTE = Request("1m", datetime(2026, 11, 23, 14, 30, tzinfo=UTC), datetime(2026, 11, 23, 21, tzinfo=UTC))
PAYLOADS = Path(__file__).parents[5] / "shared/data/payloads"
EXCEEDED = "You've exceeded the maximum requests per minute, please wait"
EARLY = "Attempted to request today's data before end of day."
NOT_ENTITLED = "You are not entitled to this data."
AV_DAY = {
    "Meta Data": {"2. Symbol": "IBM", "5. Time Zone": "US/Eastern"},
    "Time Series (Daily)": {
        "2026-11-23": {"1. open": "10", "2. high": "12", "3. low": "9", "4. close": "11", "5. volume": "500"},
        "2026-11-20": {"1. open": "9", "2. high": "10", "3. low": "9", "4. close": "10", "5. volume": "400"},
    },
}


class Site:
    """Answers by the last part of a path (or an Alpha Vantage function), and keeps what was asked."""

    def __init__(self, **pages: Any) -> None:
        self.pages = pages
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []

    async def get(self, url: str, params: Any = None, headers: Any = None) -> Page:
        self.asked.append((url, dict(params or {}), dict(headers or {})))
        place = (params or {}).get("function") or next(name for name in self.pages if name in url)
        said = self.pages[place]
        if isinstance(said, Exception):
            raise said
        status, body = said if isinstance(said, tuple) else (200, said)
        return Page(status, {}, body.encode() if isinstance(body, str) else json.dumps(body).encode(), url)

    async def close(self) -> None:
        """Nothing is held."""


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("FINNHUB", "ALPHA_VANTAGE", "POLYGON"):
        monkeypatch.setenv(f"AXIOM_{name}_API_KEY", "the-key")


def source(name: str, site: Site) -> Any:
    clock = ManualClock(NOW, skip_sleeps=True)
    access = Access.in_memory(clock, getter=lambda: site)
    return build(name, Setup(ProducerSettings(), clock, access, load))


async def outcomes(made: Any, request: Request, *symbols: str) -> list[Any]:
    return [outcome async for outcome in made.fetch(symbols, request)]


async def test_finnhubs_quote_is_a_flat_bar_of_its_minute() -> None:
    traded = int(datetime(2026, 11, 23, 20, 59, 40, tzinfo=UTC).timestamp())
    site = Site(quote={"c": 10.5, "h": 11, "l": 10, "o": 10.2, "pc": 10.1, "t": traded})
    [found] = await outcomes(source("finnhub", site), MINUTE, "BRK-B")
    [bar] = found.bars
    assert (bar.symbol, bar.interval, bar.close, bar.volume) == ("BRK-B", "1m", 10.5, 0.0)
    assert bar.ts == datetime(2026, 11, 23, 20, 59, tzinfo=UTC)
    [(_, params, headers)] = site.asked
    assert params == {"symbol": "BRK.B"}
    assert headers == {"X-Finnhub-Token": "the-key"}


def test_finnhubs_quote_of_nothing_and_of_rubbish() -> None:
    assert isinstance(quote_of("X", MINUTE, {"c": 0, "t": 0}, NOW)[0], NoSuchSymbol)
    assert isinstance(quote_of("X", MINUTE, ["?"], NOW)[0], SourceDown)
    bad, down = quote_of("X", MINUTE, {"c": -1, "t": 1_795_467_580}, NOW)
    assert isinstance(bad, BadRow)
    assert isinstance(down, SourceDown)
    assert quote_of("X", DAY, {"c": 1, "t": 1_795_467_580}, NOW) == [Bars("X", ())]


@pytest.mark.parametrize(
    ("name", "probe", "forbidden", "fewer", "more"),
    [
        ("finnhub", "candle", (403, {"error": "You don't have access to this resource."}), {"1m"}, 5),
        (
            "alpha_vantage",
            "TIME_SERIES_INTRADAY",
            {"Information": "Thank you for using Alpha Vantage! This is a premium endpoint."},
            {"1d"},
            6,
        ),
    ],
)
async def test_what_a_key_allows_is_found_out_once(
    name: str, probe: str, forbidden: Any, fewer: set[str], more: int
) -> None:
    site = Site(**{probe: forbidden})
    made = source(name, site)
    await made.discover()
    await made.discover()
    assert made.capabilities.intervals == fewer
    assert len(site.asked) == 1, "it is remembered"
    made = source(name, Site(**{probe: {"s": "no_data", "Time Series (60min)": {}}}))
    await made.discover()
    assert len(made.capabilities.intervals) == more
    made = source(name, Site(**{probe: (502, "Bad gateway")}))
    await made.discover()
    assert made.capabilities.intervals == fewer, "no verdict: as before"


async def test_polygons_key_without_grouped_days() -> None:
    answer = {"status": "NOT_AUTHORIZED", "message": "You are not entitled to this data."}
    made = source("polygon", Site(grouped=(403, answer)))
    assert made.capabilities.batch
    await made.discover()
    assert isinstance(made.capabilities, Capabilities)
    assert not made.capabilities.batch


async def test_alpha_vantages_day_is_as_traded() -> None:
    site = Site(TIME_SERIES_DAILY=AV_DAY)
    [found] = await outcomes(source("alpha_vantage", site), DAY, "IBM")
    [bar] = found.bars
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (10, 12, 9, 11, 500)
    assert (bar.ts, bar.split_ratio, bar.source) == (DAY.start, None, "alpha_vantage")
    assert site.asked[0][1]["apikey"] == "the-key"


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ({"Note": "Our standard API call frequency is 5 calls per minute and 500 calls per day."},
         RateLimited, "5 calls"),
        ({"Information": "We have detected your API key as the-key and our standard API rate limit is 25 "
                         "requests per day."}, RateLimited, "***"),
        ({"Information": "Please consider sending API requests more sparingly"}, RateLimited, "spar"),
        ({"Information": "This is a premium endpoint."}, SourceDown, "premium"),
        ({"Error Message": "Invalid API call. Please retry"}, NoSuchSymbol, "Invalid"),
        ({"Error Message": "the parameter apikey is invalid or missing."}, SourceDown, "not valid"),
        ({}, SourceDown, "empty"),
        ("<html>", SourceDown, "no JSON"),
        ((503, "busy"), SourceDown, "503"),
    ],
)  # fmt: skip
async def test_alpha_vantages_errors_inside_http_200(body: Any, kind: type, said: str) -> None:
    [outcome, *_] = await outcomes(source("alpha_vantage", Site(TIME_SERIES_DAILY=body)), DAY, "IBM")
    assert isinstance(outcome, kind)
    assert said in outcome.reason
    assert "the-key" not in outcome.reason


async def test_a_limit_in_a_body_stops_every_user_of_the_key() -> None:
    site = Site(TIME_SERIES_DAILY={"Information": "rate limit is 25 requests per day"})
    made = source("alpha_vantage", site)
    [first] = await outcomes(made, DAY, "IBM", "AAPL")
    assert first.retry_after_s == 6.5 * 3600, "till midnight in New York"
    [second] = await outcomes(made, DAY, "AAPL")
    assert isinstance(second, RateLimited)
    assert len(site.asked) == 1


async def test_the_days_budget_is_spent_before_the_call() -> None:
    site = Site(TIME_SERIES_DAILY=NoAnswer("cut off"))
    made = source("alpha_vantage", site)
    for _ in range(20):
        [outcome] = await outcomes(made, DAY, "IBM")
        assert isinstance(outcome, SourceDown)
        assert not outcome.reachable
    [outcome] = await outcomes(made, DAY, "IBM")
    assert isinstance(outcome, RateLimited), "calls without an answer count as well; five are kept back"
    with spending_for("stale-refresh", "essential"):
        await outcomes(made, DAY, "IBM")
    assert len(site.asked) == 21


async def test_polygons_bars_and_its_grouped_day() -> None:
    rows = [{"T": "BRK.B", "o": 1, "h": 2, "l": 1, "c": 2, "v": 3, "t": 1_795_467_600_000},
            {"T": "AAPL", "o": 5, "h": 6, "l": 5, "c": 6, "v": 7, "t": 1_795_467_600_000},
            {"T": "BAD", "o": 5, "h": 4, "l": 6, "c": -1, "v": 7, "t": 1_795_467_600_000},
            {"o": 1}]  # fmt: skip
    site = Site(grouped={"status": "OK", "results": rows}, range={"status": "OK", "results": rows[:1]})
    made = source("polygon", site)
    found = await outcomes(made, DAY)
    assert [one.symbol for one in found if isinstance(one, Bars)] == ["BRK-B", "AAPL"]
    assert sum(isinstance(one, BadRow) for one in found) == 2
    assert site.asked[0][0].endswith("/v2/aggs/grouped/locale/us/market/stocks/2026-11-23")
    assert site.asked[0][2] == {"Authorization": "Bearer the-key"}
    [one] = await outcomes(made, DAY, "BRK-B")
    assert one.bars[0].ts == DAY.start
    assert "/ticker/BRK.B/range/1/day/2026-11-23/2026-11-23" in site.asked[1][0]


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ((429, {"status": "ERROR", "error": EXCEEDED}), RateLimited, "429"),
        ({"status": "ERROR", "error": EXCEEDED}, RateLimited, "exceeded"),
        ((403, {"status": "NOT_AUTHORIZED", "message": EARLY}),
         SourceDown, "not yet"),
        ((403, {"status": "NOT_AUTHORIZED", "message": NOT_ENTITLED}), SourceDown, "entitled"),
        ((401, {"status": "ERROR", "error": "Unknown API Key"}), SourceDown, "AXIOM_POLYGON_API_KEY"),
        ((404, {"status": "NOT_FOUND", "message": "Data not found."}), NoSuchSymbol, "not found"),
        ((500, "oops"), SourceDown, "HTTP 500"),
    ],
)  # fmt: skip
async def test_polygons_refusals(body: Any, kind: type, said: str) -> None:
    [outcome] = await outcomes(source("polygon", Site(range=body)), DAY, "AAPL")
    assert isinstance(outcome, kind)
    assert said in outcome.reason


async def test_a_session_in_progress_has_no_daily_bar() -> None:
    noon = datetime(2026, 11, 23, 17, tzinfo=UTC)
    [found] = series_of("IBM", everything("1d"), AV_DAY, noon)
    assert isinstance(found, Bars)
    assert [bar.ts.day for bar in found.bars] == [20]


def recorded(name: str) -> Any:
    path = PAYLOADS / name
    if not path.exists():
        pytest.skip(f"the recorded payloads are not there: {path}")
    return json.loads(path.read_text())


def test_a_recorded_candle_answer_of_finnhub() -> None:
    body = recorded("finnhub/stock_candle_AAPL_D_2020-11-09_12-04.json")
    [found] = candles_of("AAPL", everything("1d"), body, NOW)
    assert isinstance(found, Bars)
    assert len(found.bars) == len(body["c"]) == 19
    assert found.bars[0].close == body["c"][0]


def test_recorded_answers_of_polygon() -> None:
    folder = "polygon/v2__aggs__"
    grouped = recorded(f"{folder}grouped__locale__us__market__stocks__2005-04-04_adjusted=true.json")
    [found] = grouped_of(everything("1d"), grouped, NOW)
    assert isinstance(found, Bars)
    assert (found.symbol, found.bars[0].close, found.bars[0].ts.date().isoformat()) == (
        "GIK",
        10.02,
        "2020-10-14",
    )
    daily = recorded(f"{folder}ticker__AAPL__range__1__day__2005-04-01__2005-04-04.json")
    found = aggregates_of("AAPL", everything("1d"), daily, NOW)[-1]
    assert isinstance(found, Bars)
    assert len(found.bars) == len(daily["results"]) == 2


def test_a_recorded_time_series_of_alpha_vantage() -> None:
    body = recorded("alpha_vantage/mock_time_series.json")
    [found] = series_of("MSFT", everything("1m"), body, NOW)
    assert isinstance(found, Bars)
    assert len(found.bars) == len(body["Time Series (1min)"])
    assert found.bars[-1].ts == datetime(2017, 12, 18, 19, 56, tzinfo=UTC)
