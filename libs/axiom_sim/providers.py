"""The providers as they answer: their limits as they count them, their bodies, their ways to fail."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from axiom.market.hours import MarketHours
from axiom.resilience.clock import Clock
from axiom_sim.counting import Books
from axiom_sim.faults import Faults, Kind
from axiom_sim.market import Market

NEW_YORK = ZoneInfo("America/New_York")
SLOW_S = 30.0
LATENCY_S = 0.12
Params = Mapping[str, str]
Said = tuple[int, Any]


class Dropped(Exception):
    """The connection breaks without an answer."""


class PlayedSite(ABC):
    """What all have in common: count, fail, else answer."""

    name = ""

    def __init__(
        self, market: Market, hours: MarketHours, faults: Faults, clock: Clock, books: Books
    ) -> None:
        self.books = books
        self.market = market
        self.hours = hours
        self.clock = clock
        self.thinking = 0
        self._faults = faults

    async def answer(self, path: str, params: Params) -> tuple[int, bytes]:
        """Status and body; raises Dropped."""
        fault = self.fails()
        answer = self.answer_at_once(path, params)
        self.thinking += 1
        try:
            await self.clock.sleep(SLOW_S if fault == "slow" else LATENCY_S)
        finally:
            self.thinking -= 1
        if answer is None:
            raise Dropped
        return answer

    def answer_at_once(self, path: str, params: Params) -> tuple[int, bytes] | None:
        """Without latency; None: the connection breaks."""
        now, fault = self.clock.now(), self.fails()
        broken = self.books.count(now)
        if fault == "outage":
            return None
        if broken is not None or fault == "limited":
            status, body = self.limited(broken or "minute")
        elif fault == "errors":
            status, body = 500, "Internal Server Error"
        else:
            status, body = self.data(path, params, now)
        return status, body.encode() if isinstance(body, str) else json.dumps(body).encode()

    def fails(self) -> Kind | None:
        """How it fails now."""
        return self._faults.at(self.name, self.clock.now())

    @abstractmethod
    def limited(self, window: str) -> Said:
        """How it says that a limit is reached."""

    @abstractmethod
    def data(self, path: str, params: Params, now: datetime) -> Said:
        """What it has."""


class FinnhubSite(PlayedSite):
    """Free key: quotes and news; candles are refused."""

    name = "finnhub"

    def limited(self, window: str) -> Said:
        return 429, {"error": "API limit reached. Please try again later. Remaining Limit: 0"}

    def data(self, path: str, params: Params, now: datetime) -> Said:
        symbol = params.get("symbol", "").replace(".", "-")
        if path.endswith("/stock/candle"):
            return 403, {"error": "You don't have access to this resource."}
        if path.endswith("/company-news"):
            return 200, []
        if not self.market.knows(symbol):
            return 200, {"c": 0, "d": None, "dp": None, "h": 0, "l": 0, "o": 0, "pc": 0, "t": 0}
        session = self.hours.open_session(now)
        traded = now if session else self.hours.last_closed(now).closes
        price = self.market.price(symbol, traded)
        return 200, {
            "c": price,
            "h": price,
            "l": price,
            "o": price,
            "pc": price,
            "t": int(traded.timestamp()),
        }


class AlphaVantageSite(PlayedSite):
    """Free key: 100 daily bars; everything else is premium, and every refusal is HTTP 200."""

    name = "alpha_vantage"

    def limited(self, window: str) -> Said:
        if window == "day":
            return 200, {
                "Information": "We have detected your API key as ABC and our standard API rate limit is 25 "
                "requests per day. Please subscribe to any of the premium plans."
            }
        return 200, {
            "Note": "Thank you for using Alpha Vantage! Our standard API call frequency is 5 "
            "calls per minute."
        }

    def data(self, path: str, params: Params, now: datetime) -> Said:
        if params.get("function") != "TIME_SERIES_DAILY":
            return 200, {"Information": "Thank you for using Alpha Vantage! This is a premium endpoint."}
        symbol = params.get("symbol", "")
        if not self.market.knows(symbol):
            return 200, {"Error Message": "Invalid API call. Please retry or visit the documentation."}
        names = ("1. open", "2. high", "3. low", "4. close", "5. volume")
        series = {}
        for session in self.hours.between(now - timedelta(days=148), now):
            if session.closes <= now:
                values = self.market.day(symbol, session.day)
                series[session.day.isoformat()] = {
                    name: str(value) for name, value in zip(names, values, strict=True)
                }
        return 200, {"Meta Data": {"2. Symbol": symbol}, "Time Series (Daily)": series}


class PolygonSite(PlayedSite):
    """Free key: aggregates, and the grouped days once they are over."""

    name = "polygon"

    def limited(self, window: str) -> Said:
        return 429, {"status": "ERROR", "error": "You've exceeded the maximum requests per minute."}

    def data(self, path: str, params: Params, now: datetime) -> Said:
        parts = path.strip("/").split("/")
        if "grouped" in parts:
            return self._grouped(datetime.fromisoformat(parts[-1]).date().isoformat(), now)
        symbol, first, last = parts[3].replace(".", "-"), parts[-2], parts[-1]
        if not self.market.knows(symbol):
            return 200, {"status": "OK", "resultsCount": 0}
        rows = [
            self._row(symbol, session.day, session.opens.astimezone(NEW_YORK).replace(hour=0, minute=0))
            for session in self.hours.between(now - timedelta(days=148), now)
            if first <= session.day.isoformat() <= last and session.closes <= now
        ]
        return 200, {"status": "OK", "resultsCount": len(rows), "results": rows}

    def _grouped(self, day: str, now: datetime) -> Said:
        sessions = self.hours.between(now - timedelta(days=30), now)
        session = next((one for one in sessions if one.day.isoformat() == day), None)
        if session is None:
            return 200, {"status": "OK", "resultsCount": 0, "results": []}
        if session.closes + timedelta(hours=1) > now:
            return 403, {"status": "NOT_AUTHORIZED", "message": "Attempted to request before end of day."}
        rows = [
            self._row(symbol, session.day, session.closes) | {"T": symbol.replace("-", ".")}
            for symbol in self.market.symbols
        ]
        return 200, {"status": "OK", "resultsCount": len(rows), "results": rows}

    def _row(self, symbol: str, day: Any, moment: datetime) -> dict[str, Any]:
        opened, high, low, close, volume = self.market.day(symbol, day)
        at_ms = int(moment.timestamp() * 1000)
        return {"o": opened, "h": high, "l": low, "c": close, "v": volume, "t": at_ms}


class YahooSite(PlayedSite):
    """No key, and limits that nobody knows: what we allow ourselves is taken for them."""

    name = "yahoo"

    def limited(self, window: str) -> Said:
        return 429, "Too Many Requests"

    def data(self, path: str, params: Params, now: datetime) -> Said:
        if "/finance/chart/" not in path:
            return 200, "a-crumb"
        symbol = path.split("/finance/chart/")[1]
        if not self.market.knows(symbol):
            told = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            return 404, {"chart": {"result": None, "error": told}}
        daily = params.get("interval") == "1d"
        rows = self._days(symbol, now) if daily else self._minutes(symbol, now)
        last = self.hours.open_session(now) or self.hours.last_closed(now)
        return 200, chart_of(symbol, params.get("interval", "1d"), rows, last.opens, last.closes)

    def _days(self, symbol: str, now: datetime) -> dict[int, tuple[float, ...]]:
        return {
            int(session.opens.timestamp()): self.market.day(symbol, session.day)
            for session in self.hours.between(now - timedelta(days=10), now)
            if session.closes <= now
        }

    def _minutes(self, symbol: str, now: datetime) -> dict[int, tuple[float, ...]]:
        session = self.hours.open_session(now)
        if session is None:
            return {}
        start = now.replace(second=0, microsecond=0) - timedelta(minutes=2)
        price = self.market.price(symbol, start)
        return {int(start.timestamp()): (price, price, price, price, 100)} if start >= session.opens else {}


def chart_of(
    symbol: str, interval: str, rows: Mapping[int, tuple[float, ...]], opens: datetime, closes: datetime
) -> dict[str, Any]:
    """Yahoo's chart answer."""
    period = {
        "start": int(opens.timestamp()), "end": int(closes.timestamp()), "gmtoffset": -18_000,
        "timezone": "EST",
    }  # fmt: skip
    columns = list(zip(*rows.values(), strict=True)) if rows else []
    names = ("open", "high", "low", "close", "volume")
    result: dict[str, Any] = {
        "meta": {
            "symbol": symbol, "currency": "USD", "exchangeName": "NYQ", "instrumentType": "EQUITY",
            "exchangeTimezoneName": "America/New_York", "timezone": "EST", "gmtoffset": -18_000,
            "dataGranularity": interval, "range": "", "validRanges": ["1d", "5d"],
            "regularMarketTime": int(closes.timestamp()), "firstTradeDate": 0,
            "currentTradingPeriod": {"pre": period, "regular": period, "post": period},
            "tradingPeriods": [[period]],
        },
        "indicators": {"quote": [dict(zip(names, map(list, columns), strict=True)) if rows else {}]},
    }  # fmt: skip
    if rows:
        result["timestamp"] = list(rows)
        result["indicators"]["adjclose"] = [{"adjclose": list(columns[3])}]
    return {"chart": {"result": [result], "error": None}}
