"""Ways from the real clients to the providers played here: within the process, or over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from axiom.sources.access import MAX_BYTES, Getter
from axiom.sources.yahoo import Transport, YahooAnswerError
from axiom.web.client import Limits, NoAnswer, Page, Web
from axiom_sim.providers import Dropped, PlayedSite, YahooSite


class Inside:
    """`Getter` without sockets: a host's name is a provider's. Answers come at once, unless it is slow."""

    def __init__(self, sites: Mapping[str, PlayedSite], timeout_s: float) -> None:
        self._sites = sites
        self._timeout_s = timeout_s

    async def get(
        self, url: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Page:
        """As `axiom.web.client.Web.get`."""
        parts = urlsplit(url)
        site = self._sites[parts.hostname or ""]
        answer, is_slow = site.answer_at_once(parts.path, params or {}), site.fails() == "slow"
        if is_slow:
            await site.clock.sleep(self._timeout_s)
        if is_slow or answer is None:
            raise NoAnswer(f"{parts.hostname}: no answer")
        return Page(answer[0], {}, answer[1], url)

    async def close(self) -> None:
        """Nothing is held."""


class Outside:
    """The real HTTP client, which says how many answers are under way."""

    under_way = 0

    def __init__(self, timeout_s: float) -> None:
        self._web = Web(Limits(timeout_s=timeout_s, max_bytes=MAX_BYTES))

    async def get(
        self, url: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Page:
        """As `axiom.web.client.Web.get`."""
        Outside.under_way += 1
        try:
            return await self._web.get(url, params, headers)
        finally:
            Outside.under_way -= 1

    async def close(self) -> None:
        """Release connections."""
        await self._web.close()


def getter(sites: Mapping[str, PlayedSite], timeout_s: float, *, over_http: bool) -> Getter:
    """What a client asks with."""
    return Outside(timeout_s) if over_http else Inside(sites, timeout_s)


def yahoo_transport(site: YahooSite) -> Transport:
    """What answers yfinance."""

    def answer(url: str, params: Mapping[str, Any]) -> tuple[int, bytes]:
        found = site.answer_at_once(urlsplit(url).path, {name: str(value) for name, value in params.items()})
        if found is None:
            raise YahooAnswerError("no connection")
        return found

    return answer


@asynccontextmanager
async def served(sites: Mapping[str, PlayedSite]) -> AsyncIterator[dict[str, str]]:
    """Each provider on a port of its own, on this loop; yields their addresses."""
    async with AsyncExitStack() as exits:
        addresses = {}
        for name, site in sites.items():
            application = web.Application()
            application.router.add_get("/{path:.*}", _handler(site))
            runner = web.AppRunner(application, access_log=None, keepalive_timeout=1e9, shutdown_timeout=0)
            await runner.setup()
            exits.push_async_callback(runner.cleanup)
            listener = web.TCPSite(runner, "127.0.0.1", 0)
            await listener.start()
            port = runner.addresses[0][1]
            addresses[name] = f"http://127.0.0.1:{port}"
        yield addresses


def _handler(site: PlayedSite) -> Any:
    async def handle(request: web.Request) -> web.Response:
        try:
            status, body = await site.answer(request.path, request.query)
        except Dropped:
            if request.transport is not None:
                request.transport.close()
            return web.Response(status=503)
        return web.Response(status=status, body=body)

    return handle
