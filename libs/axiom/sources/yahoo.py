"""Yahoo Finance by way of yfinance: the transport, made strict, and what its errors mean."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import yfinance as yf
from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import RequestException
from yfinance.exceptions import YFRateLimitError

from axiom.sources.outcomes import RateLimited, SourceDown

LIMITED = ("too many requests", "rate limit")
NEWS_PATH = "/xhr/ncp"
DATA_PATHS = ("/finance/chart/", "/finance/quoteSummary/", "/v7/finance/quote", NEWS_PATH)
"""Where answers must be JSON objects; the others are cookies, crumbs and consent pages."""


Transport = Callable[[str, Mapping[str, Any]], tuple[int, bytes]]
"""From an address and its parameters to a status and a body; raises OSError when there is no answer."""


class YahooAnswerError(OSError):
    """Yahoo answered, and not with data. An OSError, so that yfinance goes on without a crumb."""


class YahooSession(Session[Response]):
    """yfinance's transport: what Yahoo hides in other bodies and codes becomes an error.

    yfinance itself keeps a page with code 503 in its caches, and reads an error object under `finance`
    as "possibly delisted".
    """

    def __init__(self, timeout_s: float, base_url: str | None, transport: Transport | None = None) -> None:
        """`transport`: answers in place of the network."""
        super().__init__(impersonate="chrome")
        self._transport = transport
        self._timeout_s = timeout_s
        self._base = urlsplit(base_url) if base_url else None
        self.given_up = False

    def request(self, method: Any, url: str, *args: Any, **kwargs: Any) -> Response:
        if self.given_up:
            raise YahooAnswerError("the source is closed")
        kwargs["timeout"] = self._timeout_s
        if self._base is not None:
            url = urlunsplit(urlsplit(url)._replace(scheme=self._base.scheme, netloc=self._base.netloc))
        if self._transport is None:
            response = super().request(method, url, *args, **kwargs)
        else:
            response = _answered(url, *self._transport(url, kwargs.get("params") or {}))
        if any(path in url for path in DATA_PATHS):
            refuse_what_is_no_data(response)
        return response


def _answered(url: str, status: int, body: bytes) -> Response:
    response = Response()
    response.url, response.status_code, response.content, response.ok = url, status, body, status < 400
    return response


def refuse_what_is_no_data(response: Response) -> None:
    """Raise for an answer that holds no data.

    Raises:
        YFRateLimitError: a rate limit in a body.
        YahooAnswerError: a server error, no JSON, or an error object under `finance`.
    """
    if response.status_code >= 500:
        raise YahooAnswerError(f"HTTP {response.status_code}")
    if response.status_code == 429:
        return  # yfinance first tries it with other cookies
    if any(words in response.text[:200].lower() for words in LIMITED):
        raise YFRateLimitError
    try:
        body = json.loads(response.content)
    except ValueError as error:
        told = f"HTTP {response.status_code} with no JSON: {response.text[:80]!r}"
        raise YahooAnswerError(told) from error
    problem = (body.get("finance") or {}).get("error") if isinstance(body, dict) else None
    if problem:
        raise YahooAnswerError(f"{problem.get('code')}: {problem.get('description')}")
    if NEWS_PATH in (response.url or "") and not _has_stream(body):
        raise YahooAnswerError("an empty answer without a reason: perhaps a rate limit")


def _has_stream(body: Any) -> bool:
    """Whether a news answer holds a list of articles, be it empty; to yfinance no list is an empty one."""
    try:
        return isinstance(body["data"]["tickerStream"]["stream"], list)
    except (KeyError, TypeError):
        return False


class YahooClient:
    """yfinance's tickers over the strict transport. Blocking: call it in a thread."""

    def __init__(
        self,
        cache: Path,
        timeout_s: float = 5.0,
        base_url: str | None = None,
        transport: Transport | None = None,
    ) -> None:
        """`cache` is the folder of yfinance's cookie database; `transport` answers for the network."""
        self._session = YahooSession(timeout_s, base_url, transport)
        yf.set_tz_cache_location(str(cache))
        yf.config.debug.hide_exceptions = False  # else an error is logged and nothing returned
        logging.getLogger("yfinance").setLevel(logging.CRITICAL)  # every outcome is reported by us
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"yfinance\b")

    def ticker(self, symbol: str) -> Any:
        """yfinance's `Ticker`."""
        return yf.Ticker(symbol, session=self._session)

    def close(self) -> None:
        """Refuse further calls; the one in flight ends within its time limit."""
        self._session.given_up = True


def problem_of(symbol: str, error: Exception) -> RateLimited | SourceDown:
    """What an exception out of yfinance means; it parses undocumented answers, so anything may come."""
    if isinstance(error, YFRateLimitError):
        return RateLimited(symbol, "HTTP 429, too many requests")
    if isinstance(error, RequestException) and getattr(error.response, "status_code", None) == 429:
        return RateLimited(symbol, "HTTP 429, too many requests")
    if isinstance(error, RequestException) and not getattr(error.response, "status_code", None):
        return SourceDown(symbol, f"no answer: {_without_link(error)}", reachable=False)
    return SourceDown(symbol, f"{type(error).__name__}: {error}"[:200])


def asked(symbol: str, ask: Callable[[], Any]) -> Any:
    """What `ask` gives, or the problem that its exception means."""
    try:
        return ask()
    except Exception as error:  # see `problem_of`
        return problem_of(symbol, error)


def _without_link(error: RequestException) -> str:
    """curl's own words, without its advice to read about error codes."""
    return str(error).removeprefix("Failed to perform, ").split(" See https://", 1)[0].rstrip(".")
