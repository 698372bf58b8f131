"""Finnhub's REST API: one key, counted calls, errors in bodies. https://finnhub.io/docs/api"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from axiom.resilience.clock import Clock
from axiom.sources.access import Access
from axiom.sources.keyed import Broken, Fine, Forbidden, KeyedClient, Lacking, Limited, Provider, Said, down
from axiom.sources.outcomes import NoSuchSymbol, RateLimited, SourceDown
from axiom.sources.settings import FINNHUB_KEY, FinnhubSettings
from axiom.web.client import Page

LIMITED = ("limit reached", "too many requests", "rate limit")


def identify(key: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The key travels in a header, never in a URL."""
    return {}, {"X-Finnhub-Token": key}


def reader(clock: Clock | None = None) -> Provider:
    """Finnhub; with a clock its `x-ratelimit-reset`, a Unix time, can be understood."""

    def read(page: Page, body: Any) -> Said:
        told = str(body.get("error") or "")[:200] if isinstance(body, dict) else ""
        if page.status == 429 or any(words in told.lower() for words in LIMITED):
            return Limited(f"HTTP {page.status}{told and f': {told}'}", _reset_in_s(page, clock))
        if page.status == 401:
            return Forbidden("the key is not valid", by_plan=False)
        if page.status == 403:
            return Forbidden("the key's plan has no such data")
        if told and page.status == 200:
            return Broken(told)
        return down("", page, body, told) or Fine(body)

    return Provider("finnhub", FINNHUB_KEY, identify, read)


class FinnhubClient:
    """Asks no faster than the key allows in all, whoever else uses it."""

    def __init__(self, settings: FinnhubSettings, access: Access) -> None:
        """
        Raises:
            Misconfigured: there is no key.
        """
        self.keyed = KeyedClient(reader(access.clock), settings, access)

    async def get(self, path: str, symbol: str, params: Mapping[str, str]) -> Any | RateLimited | SourceDown:
        """The decoded JSON of an answer, or what is wrong with it."""
        answer = await self.keyed.ask(path, symbol, {"symbol": symbol, **params})
        match answer:
            case Fine(body):
                return body
            case Lacking(_, reason) | NoSuchSymbol(_, reason):
                return SourceDown(symbol, reason, reachable=False)
        return answer

    async def close(self) -> None:
        """Release connections."""
        await self.keyed.close()


def theirs(symbol: str) -> str:
    """Finnhub writes share classes with a dot: BRK.B."""
    return symbol.replace("-", ".")


def _reset_in_s(page: Page, clock: Clock | None) -> float | None:
    """Finnhub says when the minute is over as a Unix time, not as `retry-after`."""
    reset = page.headers.get("x-ratelimit-reset", "")
    if clock is not None and reset.isdigit() and len(reset) < 12:
        return min(120.0, max(0.0, int(reset) - clock.now().timestamp()))
    return page.retry_after_s
