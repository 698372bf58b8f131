from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from curl_cffi.requests import Response
from yfinance.exceptions import YFPricesMissingError, YFRateLimitError

from axiom.sources.outcomes import NoSuchSymbol, RateLimited, SourceDown
from axiom.sources.yahoo import YahooAnswerError, refuse_what_is_no_data
from services.price_producer.sources.port import Bars
from services.price_producer.sources.yahoo import _period, _why_missing
from services.price_producer.sources.yahoo_frame import bars_of
from tests.unit.services.price_producer.yahoo_payloads import refusal
from topics.price_updates import Interval, PriceBar

pytestmark = pytest.mark.unit

ZONE = "America/New_York"
LATER = datetime(2026, 11, 25, tzinfo=UTC)
COLUMNS = ["Open", "High", "Low", "Close", "Volume", "Stock Splits"]


def frame(rows: dict[str, list[float]]) -> pd.DataFrame:
    index = pd.DatetimeIndex([pd.Timestamp(moment, tz=ZONE) for moment in rows])
    return pd.DataFrame(list(rows.values()), index=index, columns=COLUMNS)


def flat(price: float, volume: float = 100, split: float = 0) -> list[float]:
    return [price, price, price, price, volume, split]


def bars(
    rows: dict[str, list[float]], interval: Interval = "1d", now: datetime = LATER, meta: Any = None
) -> list[PriceBar]:
    good, bad = bars_of("AAPL", interval, frame(rows), meta or {}, now)
    assert bad == []
    return good


def test_daily_bars_start_at_midnight_utc_of_their_session() -> None:
    [bar] = bars({"2026-11-19": [10, 12, 9, 11, 1000, 0]})
    assert bar == PriceBar(
        symbol="AAPL", interval="1d", ts=datetime(2026, 11, 19, tzinfo=UTC), open=10, high=12, low=9,
        close=11, volume=1000, fetched_at=LATER, source="yahoo", split_ratio=1.0,
    )  # fmt: skip


def test_prices_before_a_split_are_those_that_were_traded() -> None:
    rows = {
        "2020-08-27": flat(125.01, volume=400),
        "2020-08-28": flat(124.8075, volume=800),
        "2020-08-31": flat(129.04, volume=100, split=4),
        "2020-09-01": flat(134.18, volume=100),
    }
    found = bars(rows)
    assert [bar.close for bar in found] == [500.04, 499.23, 129.04, 134.18]
    assert [bar.volume for bar in found] == [100, 200, 100, 100]
    assert [bar.split_ratio for bar in found] == [1.0, 1.0, 4.0, 1.0]


def test_every_later_split_counts_also_a_reverse_one() -> None:
    rows = {"2026-01-05": flat(10), "2026-01-06": flat(10, split=4), "2026-01-07": flat(10, split=0.5)}
    assert [bar.close for bar in bars(rows)] == [20.0, 5.0, 10.0]


def test_a_split_without_prices_on_its_day_takes_effect_on_the_next() -> None:
    rows = {"2026-01-05": flat(10), "2026-01-06": [np.nan] * 4 + [0, 2], "2026-01-07": flat(10)}
    good, bad = bars_of("AAPL", "1d", frame(rows), {}, LATER)
    assert [(bar.ts.day, bar.close, bar.split_ratio) for bar in good] == [(5, 20.0, 1.0), (7, 10.0, 2.0)]
    assert [row.where[:15] for row in bad] == ["AAPL 2026-01-06"]


def test_all_bars_of_the_split_session_carry_its_ratio() -> None:
    rows = {
        "2026-01-05 15:59": flat(10),
        "2026-01-06 09:30": flat(5, split=2),
        "2026-01-06 09:31": flat(5),
    }
    found = bars(rows, "1m")
    assert [(bar.close, bar.split_ratio) for bar in found] == [(20.0, 1.0), (5.0, 2.0), (5.0, 2.0)]


def test_yahoos_32_bit_numbers_are_read_as_the_decimals_they_were() -> None:
    single = float(np.float32(75.0875))
    assert single != 75.0875
    assert bars({"2026-11-19": flat(single)})[0].close == 75.0875
    assert bars({"2026-11-19": flat(600123.4567)})[0].close == 600123.4567, "a double stays as it is"


def test_a_session_in_progress_gives_no_daily_bar() -> None:
    start, end = pd.Timestamp("2026-11-20 09:30", tz=ZONE), pd.Timestamp("2026-11-20 13:00", tz=ZONE)
    meta = {"currentTradingPeriod": {"regular": {"start": start, "end": end}}}
    rows = {"2026-11-19": flat(1), "2026-11-20": flat(2)}
    before_close, after_close = (end.to_pydatetime() + timedelta(seconds=s) for s in (-1, 0))
    assert [bar.ts.day for bar in bars(rows, now=before_close, meta=meta)] == [19]
    assert [bar.ts.day for bar in bars(rows, now=after_close, meta=meta)] == [19, 20]


def test_without_session_times_today_is_taken_to_be_in_progress() -> None:
    rows = {"2026-11-19": flat(1), "2026-11-20": flat(2)}
    late_evening_in_new_york = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
    assert [bar.ts.day for bar in bars(rows, now=late_evening_in_new_york)] == [19]


def test_a_minute_in_progress_and_a_last_trade_off_the_minute_are_no_bars() -> None:
    rows = {"2026-11-20 09:30": flat(1), "2026-11-20 09:31": flat(2), "2026-11-20 09:31:37": flat(3)}
    now = datetime(2026, 11, 20, 14, 31, 59, tzinfo=UTC)
    assert [bar.ts.minute for bar in bars(rows, "1m", now)] == [30]
    assert [bar.ts.minute for bar in bars(rows, "1m", LATER)] == [30, 31]


def test_rows_that_cant_be_bars_are_named() -> None:
    rows = {"2026-11-17": [1, np.nan, 1, 1, 5, 0], "2026-11-18": flat(0), "2026-11-19": flat(2)}
    good, bad = bars_of("AAPL", "1d", frame(rows), {}, LATER)
    assert [bar.ts.day for bar in good] == [19]
    assert bad[0].where == "AAPL 2026-11-17T00:00:00-05:00"
    assert bad[0].reason.startswith("high: ")
    assert bad[1].reason.count("open: ") == 1


@pytest.mark.parametrize(
    ("days", "period"), [(0, "1d"), (4, "5d"), (20, "1mo"), (88, "3mo"), (300, "1y"), (5000, "max")]
)
def test_the_range_asked_for_reaches_from_the_start_to_now(days: int, period: str) -> None:
    assert _period(LATER - timedelta(days=days), LATER) == period


def response(status: int, body: Any) -> Response:
    made = Response()
    made.status_code = status
    made.content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return made


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (503, "<html>", "HTTP 503"),
        (200, "<html>Will be right back</html>", "no JSON"),
        (200, refusal("Unauthorized", "Invalid Crumb", "finance"), "Invalid Crumb"),
    ],
)
def test_what_is_no_chart_is_refused(status: int, body: Any, said: str) -> None:
    with pytest.raises(YahooAnswerError, match=said):
        refuse_what_is_no_data(response(status, body))


def test_a_rate_limit_in_a_200_is_seen_and_a_429_left_to_yfinance() -> None:
    with pytest.raises(YFRateLimitError):
        refuse_what_is_no_data(response(200, "Edge: Too Many Requests"))
    refuse_what_is_no_data(response(429, "Too Many Requests"))
    refuse_what_is_no_data(response(404, refusal("Not Found", "No data found")))


def why(reason: str | None, meta: dict[str, Any] | None = None) -> Any:
    return _why_missing("X", YFPricesMissingError("X", "", yahoo_reason=reason), meta or {})


def test_what_an_answer_without_prices_means() -> None:
    assert why(None, {"symbol": "X"}) == Bars("X", ())
    assert why("Data doesn't exist for startDate = 1, endDate = 2") == Bars("X", ())
    assert isinstance(why("No data found, symbol may be delisted"), NoSuchSymbol)
    assert isinstance(why("Too Many Requests"), RateLimited)
    assert isinstance(why("Invalid input - interval=7m is not supported"), SourceDown)
    unexplained = why(None)
    assert isinstance(unexplained, SourceDown)
    assert unexplained.reachable
    assert "rate limit" in unexplained.reason


def test_splits_outside_of_the_frame_do_nothing() -> None:
    rows = {"2026-11-18": flat(10), "2026-11-19": [np.nan] * 4 + [0, 3]}
    good, _ = bars_of("AAPL", "1d", frame(rows), {}, LATER)
    assert [(bar.ts.date(), bar.close, bar.split_ratio) for bar in good] == [(date(2026, 11, 18), 30.0, 1.0)]
