"""Hand-made answers in the shape of Yahoo's chart endpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
Ohlcv = tuple[float | None, float | None, float | None, float | None, int | None]


def at(day: str, time: str = "09:30") -> int:
    """Unix time of a New York clock time."""
    return int(datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=NEW_YORK).timestamp())


def chart(
    rows: Mapping[int, Ohlcv],
    *,
    symbol: str = "AAPL",
    interval: str = "1d",
    splits: Mapping[int, tuple[int, int]] | None = None,
    session: tuple[int, int] = (at("2026-11-20"), at("2026-11-20", "16:00")),
    zone: str = "America/New_York",
) -> dict[str, Any]:
    """A chart answer.

    Args:
        rows: start of each bar to open, high, low, close, volume; None is Yahoo's null.
        splits: ex-date moment to (new, old) shares.
        session: start and end of the current trading period.
    """
    columns: Sequence[Sequence[Any]] = list(zip(*rows.values(), strict=True)) or [[]] * 5
    names = ("open", "high", "low", "close", "volume")
    result: dict[str, Any] = {
        "meta": _meta(symbol, interval, session, zone),
        "indicators": {"quote": [dict(zip(names, map(list, columns), strict=True)) if rows else {}]},
    }
    if rows:
        result["timestamp"] = list(rows)
        if interval == "1d":
            result["indicators"]["adjclose"] = [{"adjclose": list(columns[3])}]
    if splits:
        result["events"] = {
            "splits": {
                str(moment): {
                    "date": moment,
                    "numerator": new,
                    "denominator": old,
                    "splitRatio": f"{new}:{old}",
                }
                for moment, (new, old) in splits.items()
            }
        }
    return {"chart": {"result": [result], "error": None}}


def refusal(code: str, description: str, under: str = "chart") -> dict[str, Any]:
    """An answer that says why there is none; Yahoo puts some of them under `finance`."""
    return {under: {"result": None, "error": {"code": code, "description": description}}}


def _meta(symbol: str, interval: str, session: tuple[int, int], zone: str) -> dict[str, Any]:
    start, end = session
    offset = ZoneInfo(zone).utcoffset(datetime.fromtimestamp(start, UTC).replace(tzinfo=None))
    gmtoffset = int(offset.total_seconds()) if offset is not None else 0

    def period(first: int, last: int) -> dict[str, Any]:
        return {"timezone": "X", "start": first, "end": last, "gmtoffset": gmtoffset}

    meta: dict[str, Any] = {
        "currency": "USD",
        "symbol": symbol,
        "exchangeName": "NMS",
        "instrumentType": "EQUITY",
        "firstTradeDate": 345479400,
        "regularMarketTime": start,
        "gmtoffset": gmtoffset,
        "timezone": "X",
        "exchangeTimezoneName": zone,
        "priceHint": 2,
        "currentTradingPeriod": {
            "pre": period(start - 19800, start),
            "regular": period(start, end),
            "post": period(end, end + 14400),
        },
        "dataGranularity": interval,
        "range": "",
        "validRanges": ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"],
    }
    if interval != "1d":
        meta["tradingPeriods"] = [[period(start, end)]]
    return meta
