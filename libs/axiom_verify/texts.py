"""What Chroma must hold of news and companies, written a second time and plainly.

A vector is not computed from the log again: the reader judges it, see `text_reader`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from axiom_verify.readers import Key
from axiom_verify.text_reader import OF_ITS_TEXT
from axiom_verify.told import Fold, Group, Told, good_of
from topics import company_fundamentals, market_events

LONGEST = 4000
EVENT = ("event_id", "kind", "title", "url", "publisher", "source", "language", "severity")
COMPANY = ("symbol", "name", "sector", "industry", "exchange", "country", "market_cap", "source")


def _said(payload: Any, names: Iterable[str]) -> dict[str, Any]:
    found = {name: getattr(payload, name) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _zulu(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def _events(group: Group, seen: Sequence[Told]) -> dict[Key, Any]:
    newest = max(seen, key=lambda one: one.version("fetched_at"))
    event = newest.payload
    text = (event.title + "\n" + event.summary).strip()[:LONGEST]
    metadata = _said(event, EVENT) | {
        "published_at": _zulu(event.published_at),
        "published_s": event.published_at.timestamp(),
        "fetched_at": _zulu(event.fetched_at),
        "content_version": newest.version("fetched_at"),
    }
    if event.symbols:
        metadata["symbols"] = " ".join(event.symbols)
        metadata |= {f"symbol {symbol}": True for symbol in event.symbols}
    return {("event", *group): (OF_ITS_TEXT, text, metadata)}


def _companies(group: Group, seen: Sequence[Told]) -> dict[Key, Any]:
    newest = max(seen, key=lambda one: one.version("as_of", "fetched_at"))
    company = newest.payload
    text = company.name
    for more in (company.sector, company.industry, company.description):
        if more:
            text += ("\n" if text else "") + more
    metadata = _said(company, COMPANY) | {
        "as_of": _zulu(company.as_of),
        "as_of_s": company.as_of.timestamp(),
        "fetched_at": _zulu(company.fetched_at),
        "content_version": newest.version("as_of", "fetched_at"),
    }
    return {("company text", *group): (OF_ITS_TEXT, text[:LONGEST], metadata)}


CHROMA = {
    "market-events": Fold(good_of(market_events.TOPIC), lambda one: [(one.payload.event_id,)], _events),
    "company-fundamentals": Fold(
        good_of(company_fundamentals.TOPIC), lambda one: [(one.payload.symbol,)], _companies
    ),
}
"""By topic."""
