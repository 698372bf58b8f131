"""yfinance's own client against a local server that plays Yahoo's quote endpoints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from axiom.resilience.clock import ManualClock
from axiom.sources.outcomes import NoSuchSymbol, RateLimited, SourceDown
from axiom.sources.yahoo import YahooClient
from services.fundamentals_producer.sources.port import Profile
from services.fundamentals_producer.sources.yahoo import YahooFundamentals
from tests.integration.axiom.web.local_site import Site, local_site

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SUMMARY = {
    "assetProfile": {"sector": "Technology", "industry": "Software", "country": "United States"},
    "summaryDetail": {"dividendYield": 0.0041, "trailingAnnualDividendYield": 0.0041, "currency": "USD"},
    "financialData": {"debtToEquity": 145, "totalRevenue": 1e9, "financialCurrency": "USD"},
}
QUOTE = {
    "symbol": "ACME",
    "longName": "Acme Corp",
    "marketCap": 3e9,
    "dividendYield": 0.41,
    "exchange": "NMS",
}
SERIES = "/ws/fundamentals-timeseries/v1/finance/timeseries/ACME"
NOT_FOUND = {"quoteSummary": {"result": None, "error": {"code": "Not Found", "description": "No such quote"}}}


@pytest.fixture
def site() -> Iterator[Site]:
    with local_site() as running:
        running.says("/v1/test/getcrumb", "a-crumb")
        running.says("/v7/finance/quote", json.dumps({"quoteResponse": {"result": [QUOTE], "error": None}}))
        series = {"timeseries": {"result": [{"meta": {"symbol": ["ACME"]}}], "error": None}}
        running.says(SERIES, json.dumps(series))
        yield running


async def ask(site: Site, tmp_path: Path) -> Any:
    source = YahooFundamentals(YahooClient(tmp_path, 5.0, site.url), ManualClock(NOW))
    [answer] = [outcome async for outcome in source.fetch(["ACME"], NOW)]
    return answer


async def test_a_company(site: Site, tmp_path: Path) -> None:
    body = {"quoteSummary": {"result": [SUMMARY], "error": None}}
    site.says("/v10/finance/quoteSummary/ACME", json.dumps(body))
    answer = await ask(site, tmp_path)
    assert isinstance(answer, Profile), answer
    found = answer.company
    assert (found.name, found.sector, found.exchange) == ("Acme Corp", "Technology", "NASDAQ")
    assert (found.dividend_yield, found.debt_to_equity, found.market_cap) == (0.0041, 1.45, 3e9)


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (json.dumps(NOT_FOUND), 404, NoSuchSymbol),
        ("Too Many Requests", 429, RateLimited),
        ("Edge: Too Many Requests", 200, RateLimited),
        ("<html>", 503, SourceDown),
        ("<html>Will be right back", 200, SourceDown),
    ],
)
async def test_refusals(site: Site, tmp_path: Path, body: str, status: int, kind: type) -> None:
    site.says("/v10/finance/quoteSummary/ACME", body, status)
    assert isinstance(await ask(site, tmp_path), kind)


async def test_nobody_there(tmp_path: Path) -> None:
    nobody = Site(port=9)
    answer = await ask(nobody, tmp_path)
    assert isinstance(answer, SourceDown)
    assert not answer.reachable
