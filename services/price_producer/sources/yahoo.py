"""Yahoo Finance by way of yfinance, one symbol a call."""

from __future__ import annotations

import asyncio
import json
import logging
import warnings
from collections.abc import AsyncGenerator, Collection
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import yfinance as yf
from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import RequestException
from yfinance.exceptions import YFPricesMissingError, YFRateLimitError

from axiom.resilience.clock import Clock
from axiom.settings import home
from services.price_producer.settings import ProducerSettings
from services.price_producer.sources.port import (
    Bars,
    Capabilities,
    NoSuchSymbol,
    Outcome,
    RateLimited,
    Request,
    SourceDown,
)
from services.price_producer.sources.yahoo_frame import bars_of

INTERVALS = frozenset[Any](("1m", "5m", "15m", "30m", "1h", "1d"))
PERIODS = {1: "1d", 5: "5d", 28: "1mo", 89: "3mo", 180: "6mo", 365: "1y", 730: "2y", 1825: "5y"}
ABSENT = ("no data found", "delisted", "not found", "no such symbol")
LIMITED = ("too many requests", "rate limit")
NOTHING_THEN = ("data doesn't exist for",)


class YahooAnswerError(OSError):
    """Yahoo answered, and not with a chart. An OSError, so that yfinance goes on without a crumb."""


class YahooSession(Session[Response]):
    """yfinance's transport, made strict: what Yahoo hides in other bodies and codes becomes an error.

    yfinance itself keeps a page with code 503 in its caches, and reads an error object under `finance`
    as "possibly delisted".
    """

    def __init__(self, timeout_s: float, base_url: str | None) -> None:
        super().__init__(impersonate="chrome")
        self._timeout_s = timeout_s
        self._base = urlsplit(base_url) if base_url else None
        self.given_up = False

    def request(self, method: Any, url: str, *args: Any, **kwargs: Any) -> Response:
        if self.given_up:
            raise YahooAnswerError("the source is closed")
        kwargs["timeout"] = self._timeout_s
        if self._base is not None:
            url = urlunsplit(urlsplit(url)._replace(scheme=self._base.scheme, netloc=self._base.netloc))
        response = super().request(method, url, *args, **kwargs)
        if "/finance/chart/" in url:
            _refuse_what_is_no_chart(response)
        return response


def _refuse_what_is_no_chart(response: Response) -> None:
    if response.status_code >= 500:
        raise YahooAnswerError(f"HTTP {response.status_code}")
    if response.status_code == 429:
        return  # yfinance first tries it with other cookies
    if any(words in response.text[:200].lower() for words in LIMITED):
        raise YFRateLimitError
    try:
        body = json.loads(response.content)
    except ValueError as error:
        raise YahooAnswerError(f"HTTP {response.status_code} with no JSON: {response.text[:80]!r}") from error
    problem = (body.get("finance") or {}).get("error") if isinstance(body, dict) else None
    if problem:
        raise YahooAnswerError(f"{problem.get('code')}: {problem.get('description')}")


class YahooSource:
    """See the port. Yahoo needs no key, limits by address, and reports nothing of its limits beforehand."""

    name = "yahoo"
    capabilities = Capabilities(intervals=INTERVALS)

    def __init__(
        self, clock: Clock, cache: Path, timeout_s: float = 5.0, base_url: str | None = None
    ) -> None:
        """`cache` is the folder of yfinance's cookie database."""
        self._clock = clock
        self._session = YahooSession(timeout_s, base_url)
        yf.set_tz_cache_location(str(cache))
        yf.config.debug.hide_exceptions = False  # else an error is logged and an empty frame returned
        logging.getLogger("yfinance").setLevel(logging.CRITICAL)  # every outcome is reported by us
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"yfinance\b")

    async def fetch(self, symbols: Collection[str], request: Request) -> AsyncGenerator[Outcome, None]:
        """As the port says; Yahoo can't list its symbols, so no symbols means none."""
        for symbol in symbols:
            outcomes = await asyncio.to_thread(self._ask, symbol, request)
            for outcome in outcomes:
                yield outcome
            match outcomes[-1]:
                case RateLimited() | SourceDown(reachable=False):
                    return

    async def close(self) -> None:
        """Refuse further calls; the one in flight ends within its time limit."""
        self._session.given_up = True

    def _ask(self, symbol: str, request: Request) -> list[Outcome]:
        """Blocking: one symbol's bad rows and verdict."""
        ticker = yf.Ticker(symbol, session=self._session)
        # yfinance would first ask for the time zone, of which a request by `period` makes no use.
        ticker._tz = "UTC"
        period = _period(request.start, self._clock.now())
        try:
            frame = ticker.history(
                period=period,
                interval=request.interval,
                auto_adjust=False,
                actions=True,
            )
            meta = ticker.get_history_metadata()
        except YFRateLimitError:
            return [RateLimited(symbol, "HTTP 429, too many requests")]
        except YFPricesMissingError as error:
            return [_why_missing(symbol, error, ticker.get_history_metadata())]
        except RequestException as error:
            return [SourceDown(symbol, f"no answer: {_without_link(error)}", reachable=False)]
        except Exception as error:  # yfinance parses an undocumented answer: anything may come out of it
            return [SourceDown(symbol, f"{type(error).__name__}: {error}"[:200])]
        bars, bad = bars_of(symbol, request.interval, frame, meta, self._clock.now())
        return [*bad, Bars(symbol, tuple(bar for bar in bars if request.covers(bar)))]


def _without_link(error: RequestException) -> str:
    """curl's own words, without its advice to read about error codes."""
    return str(error).removeprefix("Failed to perform, ").split(" See https://", 1)[0].rstrip(".")


def _period(start: datetime, now: datetime) -> str:
    """The shortest of Yahoo's ranges that reaches from `start` to now."""
    days = (now - start).days + 1
    return next((period for length, period in PERIODS.items() if days <= length), "max")


def _why_missing(symbol: str, error: YFPricesMissingError, meta: Any) -> Outcome:
    """What an answer without prices means."""
    reason = error.yahoo_reason
    if reason is None and meta.get("symbol"):
        return Bars(symbol, ())
    if reason is None:
        return SourceDown(symbol, "an empty answer without a reason: perhaps a rate limit")
    told = reason.lower()
    if any(words in told for words in NOTHING_THEN):
        return Bars(symbol, ())
    if any(words in told for words in LIMITED):
        return RateLimited(symbol, reason)
    if any(words in told for words in ABSENT):
        return NoSuchSymbol(symbol, reason)
    return SourceDown(symbol, reason[:200])


def make(settings: ProducerSettings, clock: Clock) -> YahooSource:
    """Built by name; see `sources.build`."""
    return YahooSource(clock, home() / "yahoo", settings.request_timeout_s, settings.yahoo_url)
