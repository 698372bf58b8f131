"""Asking a provider with a key: the call is taken out of its budget first; the answer becomes a verdict."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from axiom.errors import AxiomError
from axiom.quota.meter import HOLD_S, Meter, spending_for
from axiom.quota.model import Quota, Refused
from axiom.sources.access import Access
from axiom.sources.outcomes import NoSuchSymbol, RateLimited, SourceDown
from axiom.web.client import NoAnswer, Page

TOLD_CHARS = 200


@dataclass(frozen=True, slots=True)
class Fine:
    """An answer with data."""

    body: Any


@dataclass(frozen=True, slots=True)
class Limited:
    """A limit is reached. `whole_day`: it is the day's; else `retry_after_s` where the provider says it."""

    reason: str
    retry_after_s: float | None = None
    whole_day: bool = False


@dataclass(frozen=True, slots=True)
class Forbidden:
    """The key is not valid, or (`by_plan`) its plan lacks what was asked for."""

    reason: str
    by_plan: bool = True


@dataclass(frozen=True, slots=True)
class NotListed:
    """The provider says, in so many words, that it does not have the symbol."""

    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """An answer that is of no use."""

    reason: str


Said = Fine | Limited | Forbidden | NotListed | Broken


@dataclass(frozen=True)
class Provider:
    """How a provider is asked and read; one constant each.

    Attributes:
        key_setting: where its key is set, for messages.
        identify: from a key to the parameters and headers that carry it.
        read: from an answer and its decoded JSON (None: it has none) to what it says.
    """

    name: str
    key_setting: str
    identify: Callable[[str], tuple[Mapping[str, str], Mapping[str, str]]]
    read: Callable[[Page, Any], Said]


class ProviderSettings(Protocol):
    """What the settings of every provider with a key have."""

    @property
    def url(self) -> str:
        """Where it is."""

    def key(self) -> str:
        """The key; raises Misconfigured without one."""

    def quota(self, transit_s: float) -> Quota:
        """What the key allows."""


@dataclass(frozen=True, slots=True)
class Lacking:
    """The key's plan lacks the endpoint; other endpoints may work."""

    symbol: str
    reason: str


class KeyedClient:
    """Asks one provider. Every call, also one that fails, was taken out of the budget before it was made."""

    def __init__(self, provider: Provider, settings: ProviderSettings, access: Access) -> None:
        """
        Raises:
            Misconfigured: there is no key.
        """
        self._provider = provider
        self._key = settings.key()
        self._url = settings.url.rstrip("/")
        self._params, self._headers = provider.identify(self._key)
        self._web = access.web()
        self._facts = access.facts
        quota = settings.quota(access.timeout_s + HOLD_S)
        self.meter = Meter(access.governor, quota, access.clock, access.patience_s)

    async def ask(
        self, path: str, symbol: str, params: Mapping[str, str]
    ) -> Fine | Lacking | NoSuchSymbol | RateLimited | SourceDown:
        """The data of an answer, or what is wrong with it. `symbol` is only named in the outcome."""
        while True:
            ticket = await self.meter.take()
            if isinstance(ticket, Refused):
                if ticket.window == "books":
                    return SourceDown(symbol, ticket.reason, reachable=False)
                return RateLimited(symbol, ticket.reason, ticket.retry_in_s)
            if not self.meter.is_stale(ticket):
                break
        try:
            page = await self._web.get(
                f"{self._url}/{path}".rstrip("/"), {**params, **self._params}, self._headers
            )
        except NoAnswer as error:
            return SourceDown(symbol, str(error), reachable=False)
        except AxiomError as error:
            return SourceDown(symbol, str(error))
        return await self._verdict(symbol, page)

    async def may(
        self, endpoint: str, path: str, params: Mapping[str, str], *, symbol: str, otherwise: bool
    ) -> bool:
        """Whether the key may use an endpoint: as remembered for a week, else by asking it this once.

        `otherwise`: what to go by while the provider's answer says neither.
        """
        known = await self._facts.known(self._provider.name, self._key)
        if endpoint in known:
            return known[endpoint]
        with spending_for("discovery"):
            answer = await self.ask(path, symbol, params)
        match answer:
            case Fine():
                allowed, told = True, ""
            case Lacking(_, told):
                allowed = False
            case _:
                return otherwise
        await self.learned(endpoint, allowed, told)
        return allowed

    async def learned(self, endpoint: str, allowed: bool, told: str = "") -> None:
        """Remember it."""
        await self._facts.keep(self._provider.name, self._key, endpoint, allowed, told)

    async def close(self) -> None:
        """Release connections."""
        await self._web.close()

    async def _verdict(
        self, symbol: str, page: Page
    ) -> Fine | Lacking | NoSuchSymbol | RateLimited | SourceDown:
        try:
            body = json.loads(page.body)
        except (ValueError, RecursionError):
            body = None
        match self._provider.read(page, body):
            case Fine() as fine:
                return fine
            case Limited(reason, retry_after_s, whole_day):
                reason = self._without_key(reason)
                wait_s = await self.meter.told_limited(retry_after_s, whole_day, reason)
                return RateLimited(symbol, reason, wait_s)
            case Forbidden(reason, by_plan):
                told = f"{self._without_key(reason)} ({self._provider.key_setting}, HTTP {page.status})"
                return Lacking(symbol, told) if by_plan else SourceDown(symbol, told, reachable=False)
            case NotListed(reason):
                return NoSuchSymbol(symbol, self._without_key(reason))
            case Broken(reason):
                return SourceDown(symbol, self._without_key(reason))

    def _without_key(self, text: str) -> str:
        """Some providers repeat the key in their answers."""
        return text.replace(self._key, "***")[:TOLD_CHARS]


def down(symbol: str, page: Page, body: Any, told: str = "") -> Broken | None:
    """What every provider's answer is when its status or body is no good; None when both are."""
    if page.status != 200:
        return Broken(f"HTTP {page.status}{told and f': {told}'}")
    if body is None:
        return Broken(f"no JSON: {page.body[:80]!r}")
    return None
