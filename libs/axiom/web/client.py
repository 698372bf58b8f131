"""HTTP GET with limits, over aiohttp."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from axiom.errors import Misconfigured, Permanent, Transient
from axiom.web.addresses import Refused, check_url, is_public

AGENT = "axiom-stream (market data research; no crawling)"
REDIRECTS = frozenset((301, 302, 303, 307, 308))
CHUNK_BYTES = 64 * 1024


class TooLarge(Permanent):
    """The answer is over the size limit; nothing of it was kept."""


class NoAnswer(Transient):
    """No connection, no end of the answer in time, or it broke off."""


@dataclass(frozen=True, slots=True)
class Page:
    """An answer, whatever its status. `url`: where it came from in the end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    @property
    def retry_after_s(self) -> float | None:
        """The header `retry-after` where it gives seconds."""
        value = self.headers.get("retry-after", "")
        return float(value) if value.isdigit() and len(value) < 7 else None


@dataclass(frozen=True, slots=True)
class Limits:
    """What one GET may take, redirects included."""

    timeout_s: float = 10.0
    max_bytes: int = 2 * 1024 * 1024
    max_redirects: int = 3


class Web:
    """Gets pages.

    With `allowed_hosts` the URL is not trusted: it and every redirect must pass `check_url`, and only
    addresses that `permits` lets through are connected to, whatever the name server says. Without, the URL is
    the operator's own setting, which is asked as it is and may not redirect.
    """

    def __init__(
        self,
        limits: Limits,
        allowed_hosts: Collection[str] | None = None,
        permits: Callable[[str], bool] = is_public,
        resolver: AbstractResolver | None = None,
    ) -> None:
        """`resolver`: what looks names up; None: the machine's own way."""
        self._limits = limits
        self._allowed = allowed_hosts
        self._permits = permits
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def get(
        self, url: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Page:
        """GET a URL.

        Raises:
            Refused: the URL or a redirect leads where it must not.
            TooLarge: the answer is over the limit.
            NoAnswer: no whole answer in time. The message never has the query, which may hold a key.
            Misconfigured: without an allow-list, the URL is no URL.
        """
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                for _ in range(self._limits.max_redirects + 1):
                    page = await self._hop(url, params, headers)
                    location = page.headers.get("location")
                    if self._allowed is None or page.status not in REDIRECTS or not location:
                        return page
                    url, params = urljoin(page.url, location), None
        except TimeoutError as error:
            raise NoAnswer(f"{_place(url)}: no whole answer in {self._limits.timeout_s:g} s") from error
        except aiohttp.InvalidURL as error:
            raise Misconfigured(f"{_place(url)!r} is no URL that can be asked") from error
        except aiohttp.ClientError as error:
            raise _translated(error, url) from error
        raise Refused(f"{_place(url)}: more than {self._limits.max_redirects} redirects")

    async def close(self) -> None:
        """Release connections."""
        if self._session is not None:
            await self._session.close()

    async def _hop(
        self, url: str, params: Mapping[str, str] | None, headers: Mapping[str, str] | None
    ) -> Page:
        if self._allowed is not None:
            check_url(url, self._allowed)
        session = self._open()
        async with session.get(URL(url), params=params, headers=headers, allow_redirects=False) as response:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise Refused(f"{_place(url)}: a packed answer was not asked for, its size can't be told")
            if (response.content_length or 0) > self._limits.max_bytes:
                raise TooLarge(f"{_place(url)}: {response.content_length:,} bytes are announced")
            body = bytearray()
            async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                body += chunk
                if len(body) > self._limits.max_bytes:
                    raise TooLarge(f"{_place(url)}: over {self._limits.max_bytes:,} bytes")
            return Page(
                response.status,
                {name.lower(): value for name, value in response.headers.items()},
                bytes(body),
                str(response.url),
            )

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            guarded = self._allowed is not None
            resolver = GuardedResolver(self._permits, self._resolver) if guarded else self._resolver
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=resolver, use_dns_cache=not guarded, limit=10),
                timeout=aiohttp.ClientTimeout(total=self._limits.timeout_s),
                headers={"User-Agent": AGENT, "Accept-Encoding": "identity"},
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=not guarded,  # a proxy would look names up itself, past the guard
            )
        return self._session


class GuardedResolver(AbstractResolver):
    """Looks names up and refuses a name of which any address is not permitted.

    The connection is made to the very addresses that were checked, so a name server can't answer the check
    with one address and the connection with another.
    """

    def __init__(self, permits: Callable[[str], bool], inner: AbstractResolver | None = None) -> None:
        self._permits = permits
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self._inner = self._inner or aiohttp.ThreadedResolver()
        found = await self._inner.resolve(host, port, family)
        for one in found:
            if not self._permits(one["host"]):
                raise _NotPublic(f"{host} leads to {one['host']}, which is no address of the public internet")
        return found

    async def close(self) -> None:
        if self._inner is not None:
            await self._inner.close()


class _NotPublic(aiohttp.ClientError):
    """Passes through aiohttp's connector as it is (an OSError would be wrapped)."""


def _translated(error: aiohttp.ClientError, url: str) -> Exception:
    if isinstance(error, _NotPublic):
        return Refused(str(error))
    cause: Any = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    told = getattr(cause, "strerror", None) or type(error).__name__
    return NoAnswer(f"{_place(url)}: {told}")


def _place(url: str) -> str:
    """Scheme and host alone: paths and queries may hold keys."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}"[:200]
