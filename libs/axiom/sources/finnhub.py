"""Finnhub's REST API: one key, counted calls, errors in bodies. https://finnhub.io/docs/api"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from axiom.errors import AxiomError, Misconfigured
from axiom.resilience.clock import Clock
from axiom.resilience.ratelimit import RateLimit
from axiom.sources.outcomes import RateLimited, SourceDown
from axiom.sources.settings import FinnhubSettings
from axiom.web.client import Limits, NoAnswer, Page, Web

KEY_SETTING = "AXIOM_FINNHUB_API_KEY"
LIMITED = ("limit reached", "too many requests", "rate limit")


class FinnhubClient:
    """Asks no faster than the key allows. The key travels in a header, never in a URL."""

    def __init__(self, settings: FinnhubSettings, timeout_s: float, clock: Clock) -> None:
        """
        Raises:
            Misconfigured: there is no key.
        """
        if settings.api_key is None:
            raise Misconfigured(f"the source finnhub needs {KEY_SETTING}: set it, or leave the source out")
        self._settings = settings
        self._clock = clock
        self._web = Web(Limits(timeout_s=timeout_s, max_bytes=8 * 1024 * 1024))
        self._limit = RateLimit({60.0: settings.calls_per_minute, 1.0: settings.calls_per_second}, clock)

    async def get(self, path: str, symbol: str, params: Mapping[str, str]) -> Any | RateLimited | SourceDown:
        """The decoded JSON of an answer, or what is wrong with it."""
        assert self._settings.api_key is not None  # noqa: S101 - __init__ has made sure
        await self._limit.wait()
        headers = {"X-Finnhub-Token": self._settings.api_key.get_secret_value()}
        url = f"{self._settings.url.rstrip('/')}/{path}"
        try:
            page = await self._web.get(url, {"symbol": symbol, **params}, headers)
        except NoAnswer as error:
            return SourceDown(symbol, str(error), reachable=False)
        except AxiomError as error:
            return SourceDown(symbol, str(error))
        return self._verdict(symbol, page)

    async def close(self) -> None:
        """Release connections."""
        await self._web.close()

    def _verdict(self, symbol: str, page: Page) -> Any | RateLimited | SourceDown:
        try:
            body = json.loads(page.body)
        except (ValueError, RecursionError):
            body = None
        told = str(body.get("error") or "")[:200] if isinstance(body, dict) else ""
        if page.status == 429 or any(words in told.lower() for words in LIMITED):
            return RateLimited(symbol, f"HTTP {page.status}{told and f': {told}'}", self._reset_in_s(page))
        if page.status in (401, 403):
            why = "the key is not valid" if page.status == 401 else "the key's plan has no such data"
            return SourceDown(symbol, f"{why} ({KEY_SETTING}, HTTP {page.status})", reachable=False)
        if page.status != 200:
            return SourceDown(symbol, f"HTTP {page.status}{told and f': {told}'}")
        if told:
            return SourceDown(symbol, told)
        if body is None:
            return SourceDown(symbol, f"no JSON: {page.body[:80]!r}")
        return body

    def _reset_in_s(self, page: Page) -> float | None:
        """Finnhub says when the minute is over as a Unix time, not as `retry-after`."""
        reset = page.headers.get("x-ratelimit-reset", "")
        if reset.isdigit() and len(reset) < 12:
            return min(120.0, max(0.0, int(reset) - self._clock.now().timestamp()))
        return page.retry_after_s
