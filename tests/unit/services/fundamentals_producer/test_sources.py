"""What each source makes of an answer: hand-made payloads, and recorded ones where they are."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from axiom.contracts.codec import encode
from axiom.errors import Misconfigured, StoreDown
from axiom.resilience.clock import ManualClock
from axiom.sources.access import Access
from axiom.sources.files import Unusable
from axiom.sources.outcomes import BadRow, NoSuchSymbol, RateLimited, SourceDown
from axiom.sources.settings import FinnhubSettings, SourceSettings
from axiom.universe.store import bundled_edition
from services.fundamentals_producer.__main__ import make_chain
from services.fundamentals_producer.company import amount, company, exchange_of
from services.fundamentals_producer.settings import FundamentalsSettings
from services.fundamentals_producer.sources import available, build, finnhub, yahoo
from services.fundamentals_producer.sources.file import FundamentalsFile
from services.fundamentals_producer.sources.finnhub import FinnhubFundamentals
from services.fundamentals_producer.sources.port import Profile, Setup
from services.fundamentals_producer.sources.universe import UniverseFundamentals
from services.fundamentals_producer.sources.yahoo import YahooFundamentals
from topics.company_fundamentals import TOPIC, CompanyFundamentals

pytestmark = pytest.mark.unit

RECORDED = Path(__file__).parents[5] / "shared" / "data" / "payloads" / "yahoo"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = datetime(2026, 11, 20, tzinfo=UTC)
INFO = {
    "longName": "Acme Corporation", "shortName": "Acme", "fullExchangeName": "NasdaqGS",
    "sector": "Technology",
    "industry": "Software", "country": "United States", "currency": "USD", "financialCurrency": "USD",
    "website": "https://acme.example", "longBusinessSummary": "Makes <b>things</b>.",
    "fullTimeEmployees": 1200,
    "marketCap": 3.5e9, "enterpriseValue": 3.6e9, "totalRevenue": 1e9, "trailingEps": 2.5, "trailingPE": 20.1,
    "forwardPE": "Infinity", "priceToBook": 5.0, "dividendYield": 0.41, "trailingAnnualDividendYield": 0.0041,
    "profitMargins": 0.2, "returnOnEquity": 0.3, "debtToEquity": 145.0, "beta": 1.2,
}  # fmt: skip
PROFILE = {
    "name": "Acme Corp", "exchange": "NEW YORK STOCK EXCHANGE, INC.", "finnhubIndustry": "Technology",
    "country": "US", "currency": "USD", "weburl": "https://acme.example", "marketCapitalization": 3500.5,
    "ticker": "ACME",
}  # fmt: skip
METRIC = {
    "metric": {
        "peTTM": 20.0, "epsTTM": 2.5, "pbQuarterly": 5.0, "dividendYieldIndicatedAnnual": 0.41, "beta": 1.2,
        "netProfitMarginTTM": 20.0, "roeTTM": 30.0, "totalDebt/totalEquityQuarterly": 1.45,
    }
}  # fmt: skip


class FakeUniverses:
    def __init__(self, down: bool = False) -> None:
        self.down = down

    async def setup(self) -> None:
        if self.down:
            raise StoreDown("PostgreSQL is away")

    async def current(self) -> Any:
        return bundled_edition()


class FakeFinnhub:
    """Answers by path."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str]] = []

    async def get(self, path: str, symbol: str, _: Any) -> Any:
        self.asked.append((path, symbol))
        return self.answers[path.rpartition("/")[2]]

    async def close(self) -> None:
        """Nothing is held."""


def setup_of(**settings: Any) -> Setup:
    finnhub_settings = settings.pop("finnhub", FinnhubSettings())
    universes: Any = FakeUniverses()
    clock = ManualClock(NOW)
    return Setup(
        FundamentalsSettings(**settings), SourceSettings(), finnhub_settings, universes, clock,
        Access.in_memory(clock),
    )  # fmt: skip


def test_yahoos_figures_in_our_units() -> None:
    made = company("ACME", "yahoo", NOW, NOW, yahoo.values_of(INFO))
    assert (made.name, made.exchange, made.as_of) == ("Acme Corporation", "NASDAQ", DAY)
    assert made.description == "Makes things."
    assert (made.dividend_yield, made.debt_to_equity) == (0.0041, 1.45)
    assert made.forward_pe_ratio is None
    assert (made.employees, made.revenue, made.eps) == (1200, 1e9, 2.5)
    assert CompanyFundamentals.model_validate_json(encode(TOPIC, made).value or b"") == made


def test_revenue_in_another_currency_is_left_out() -> None:
    values = yahoo.values_of(INFO | {"financialCurrency": "TWD"})
    assert "revenue" not in values


@pytest.mark.parametrize("symbol", ["AAPL", "ABBV", "AMZN", "GOOG"])
def test_recorded_yahoo_answers(symbol: str) -> None:
    info: dict[str, Any] = {}
    for module in ("assetProfile", "financialData", "price"):
        path = RECORDED / f"quoteSummary-{module}-{symbol}.json"
        if not path.exists():
            pytest.skip("the recorded payloads are not on this machine")
        [result] = json.loads(path.read_text())["response"]["bodyJson"]["quoteSummary"]["result"]
        info |= result[module]
    made = company(symbol, "yahoo", NOW, NOW, yahoo.values_of(info))
    assert made.sector
    assert made.industry
    assert made.market_cap is not None
    assert made.market_cap > 1e11
    assert made.profit_margin is not None
    assert -1 < made.profit_margin < 1


def test_finnhubs_figures_in_our_units() -> None:
    made = company("ACME", "finnhub", NOW, NOW, finnhub.values_of(PROFILE, METRIC["metric"]))
    assert (made.exchange, made.industry, made.market_cap) == ("NYSE", "Technology", 3.5005e9)
    assert made.dividend_yield == pytest.approx(0.0041)
    assert (made.profit_margin, made.return_on_equity, made.debt_to_equity) == (0.2, 0.3, 1.45)


def test_what_is_no_amount_is_left_out() -> None:
    odd = (1, 2.5, "3", True, None, float("nan"), float("inf"), 10**400, 1e19)
    assert [amount(value) for value in odd] == [
        1.0, 2.5, None, None, None, None, None, None, None,
    ]  # fmt: skip
    with pytest.raises(Unusable, match="no name"):
        company("ACME", "x", NOW, NOW, {"name": "<p>", "beta": 1})


@pytest.mark.parametrize(
    ("told", "exchange"),
    [("NMS", "NASDAQ"), ("NasdaqGS", "NASDAQ"), ("NYSE", "NYSE"), ("NYSE American", "AMEX"),
     ("NEW YORK STOCK EXCHANGE, INC.", "NYSE"), ("XETRA", "XETRA"), ("", None), (None, None)],
)  # fmt: skip
def test_exchanges_have_one_name(told: str | None, exchange: str | None) -> None:
    assert exchange_of(told) == exchange


@pytest.mark.parametrize(
    ("info", "outcome"),
    [
        (RateLimited("X", "HTTP 429"), RateLimited),
        (SourceDown("X", "HTTPError: HTTP Error 404: "), NoSuchSymbol),
        (SourceDown("X", "HTTP 503"), SourceDown),
        ({"trailingPegRatio": None}, SourceDown),
        (None, SourceDown),
    ],
)
def test_yahoos_refusals(info: Any, outcome: type) -> None:
    client: Any = None
    assert isinstance(YahooFundamentals(client, ManualClock(NOW))._outcome("X", NOW, info), outcome)


async def outcomes(source: Any, *symbols: str) -> list[Any]:
    return [outcome async for outcome in source.fetch(symbols, NOW)]


async def test_finnhub_in_two_calls_and_without_ratios() -> None:
    client: Any = FakeFinnhub(profile2=PROFILE, metric=METRIC)
    [answer] = await outcomes(FinnhubFundamentals(client, ManualClock(NOW)), "BRK-B")
    assert isinstance(answer, Profile)
    assert answer.company.symbol == "BRK-B"
    assert client.asked == [("stock/profile2", "BRK.B"), ("stock/metric", "BRK.B")]
    client = FakeFinnhub(profile2=PROFILE, metric=SourceDown("X", "no access", reachable=False))
    [answer] = await outcomes(FinnhubFundamentals(client, ManualClock(NOW)), "ACME")
    assert answer.company.pe_ratio is None
    client = FakeFinnhub(profile2={}, metric={})
    [answer] = await outcomes(FinnhubFundamentals(client, ManualClock(NOW)), "NOPE")
    assert isinstance(answer, NoSuchSymbol)
    client = FakeFinnhub(profile2=RateLimited("ACME", "HTTP 429"), metric={})
    assert len(await outcomes(FinnhubFundamentals(client, ManualClock(NOW)), "ACME", "OTHER")) == 1


async def test_the_list_of_companies_says_the_same_each_time() -> None:
    universes: Any = FakeUniverses()
    first, absent = await outcomes(UniverseFundamentals(universes), "GOOGL", "NOPE")
    again, _ = await outcomes(UniverseFundamentals(universes), "GOOGL", "NOPE")
    assert encode(TOPIC, first.company).value == encode(TOPIC, again.company).value
    assert (first.company.source, first.company.sector) == ("universe", "Communication Services")
    assert "Google" in first.company.aliases
    assert isinstance(absent, NoSuchSymbol)
    down: Any = FakeUniverses(down=True)
    assert await outcomes(UniverseFundamentals(down), "GOOGL", "AAPL") == [
        SourceDown("GOOGL", "PostgreSQL is away", reachable=False)
    ]


async def test_files_hold_records_or_their_fields_alone(tmp_path: Path) -> None:
    own = company("ACME", "yahoo", NOW, NOW, yahoo.values_of(INFO))
    lines = [
        own.model_dump_json(exclude_none=True),
        '{"symbol": "brk.b", "name": "Berkshire", "as_of": "2026-01-05", "aliases": ["BH"]}',
        '{"symbol": "KO", "name": "Coca-Cola", "beta": "high"}',
        '{"symbol": "KO"}',
        '{"symbol": "no symbol", "name": "X"}',
        '{"symbol": "KO", "name": "X", "as_of": "soon"}',
        '{"symbol": "KO", "name": "X", "aliases": "X"}',
        "[]",
        "torn",
    ]
    path = tmp_path / "companies.jsonl"
    path.write_text("\n".join(lines))
    rows = list(FundamentalsFile(path).rows())
    assert rows == list(FundamentalsFile(path).rows())
    acme, berkshire, coke = [row for row in rows if isinstance(row, CompanyFundamentals)]
    assert acme == own
    assert (berkshire.symbol, berkshire.as_of, berkshire.aliases) == (
        "BRK-B",
        datetime(2026, 1, 5, tzinfo=UTC),
        ("BH",),
    )
    assert (coke.beta, coke.source) == (None, "file")
    assert [row.where for row in rows if isinstance(row, BadRow)] == [
        f"line {number}" for number in range(4, 10)
    ]
    answers = await outcomes(FundamentalsFile(path), "KO", "NOPE")
    assert [type(answer) for answer in answers[-2:]] == [Profile, NoSuchSymbol]


def test_sources_are_found_by_name_and_finnhub_only_with_its_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AXIOM_HOME", str(tmp_path))
    assert available() == ["file", "finnhub", "universe", "yahoo"]
    assert [source.name for source in make_chain(setup_of()).sources] == ["yahoo", "universe"]
    with_key = setup_of(finnhub=FinnhubSettings(api_key="secret-key"))  # type: ignore[arg-type]
    assert [source.name for source in make_chain(with_key).sources] == ["yahoo", "finnhub", "universe"]
    with pytest.raises(Misconfigured, match="AXIOM_FINNHUB_API_KEY"):
        build("finnhub", setup_of())
    with pytest.raises(Misconfigured, match="AXIOM_FUNDAMENTALS_FILE"):
        build("file", setup_of())
