"""News and companies as documents with metadata, for search by meaning. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from axiom.contracts.payload import rfc3339
from axiom.stores.chroma_handler import Change, Entity
from axiom.stores.chroma_rows import Metadata
from axiom.stores.newest import newest
from axiom.stores.port import Batch
from topics.company_fundamentals import CompanyFundamentals, company_version
from topics.market_events import MarketEvent, event_version

P = TypeVar("P")

MAX_CHARACTERS = 4000
"""Of a document. The model reads 256 tokens, about a quarter of that."""


def event_document(event: MarketEvent) -> str:
    """Title and summary, a line each."""
    return f"{event.title}\n{event.summary}".strip()[:MAX_CHARACTERS]


def company_document(company: CompanyFundamentals) -> str:
    """Name, sector, industry and description, as far as they are known, a line each."""
    parts = (company.name, company.sector, company.industry, company.description)
    return "\n".join(part for part in parts if part)[:MAX_CHARACTERS]


def event_metadata(event: MarketEvent) -> dict[str, Any]:
    """What a search filters by and shows; `published_s` are seconds since 1970.

    Symbols are a text, and a flag each to filter by. Lists would turn up in later records: Chroma 1.5.9
    leaves them behind when a collection is deleted, as in every rebuild.
    """
    return _known(
        {
            "event_id": event.event_id,
            "kind": event.kind,
            "title": event.title,
            "url": event.url,
            "publisher": event.publisher,
            "source": event.source,
            "symbols": " ".join(event.symbols) or None,
            **{f"symbol {symbol}": True for symbol in event.symbols},
            "language": event.language,
            "severity": event.severity,
            "published_at": rfc3339(event.published_at),
            "published_s": event.published_at.timestamp(),
            "fetched_at": rfc3339(event.fetched_at),
        }
    )


def company_metadata(company: CompanyFundamentals) -> dict[str, Any]:
    """What a search filters by and shows; `as_of_s` are seconds since 1970."""
    return _known(
        {
            "symbol": company.symbol,
            "name": company.name,
            "sector": company.sector,
            "industry": company.industry,
            "exchange": company.exchange,
            "country": company.country,
            "market_cap": company.market_cap,
            "source": company.source,
            "as_of": rfc3339(company.as_of),
            "as_of_s": company.as_of.timestamp(),
            "fetched_at": rfc3339(company.fetched_at),
        }
    )


def fold_events(stored: Mapping[str, Metadata], batch: Batch) -> Change:
    """The events that a batch makes newer."""
    return _newer(
        stored, batch, lambda event: event.event_id, event_version,
        lambda event: Entity(None, event_metadata(event), event_document(event)),
    )  # fmt: skip


def fold_companies(stored: Mapping[str, Metadata], batch: Batch) -> Change:
    """The companies that a batch makes newer."""
    return _newer(
        stored, batch, lambda company: company.symbol, company_version,
        lambda company: Entity(None, company_metadata(company), company_document(company)),
    )  # fmt: skip


def _newer(
    stored: Mapping[str, Metadata],
    batch: Batch,
    key_of: Callable[[P], str],
    version_of: Callable[[P, bytes | None], str],
    entity_of: Callable[[P], Entity],
) -> Change:
    """Each key's greatest version in the batch, where it is greater than the stored one."""
    entities = {
        key_of(payload): _versioned(entity_of(payload), version)
        for payload, version in newest(batch, key_of, version_of)
        if stored.get(key_of(payload), {}).get("content_version", "") < version
    }
    return Change(entities, len(entities))


def _versioned(entity: Entity, version: str) -> Entity:
    return entity._replace(metadata={**entity.metadata, "content_version": version})


def _known(metadata: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if value is not None}
