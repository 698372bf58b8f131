"""`market-events`: news and other events that concern companies."""

from __future__ import annotations

from typing import Literal

from axiom.contracts.codec import content_hash
from axiom.contracts.payload import (
    Digest,
    LongText,
    Payload,
    Revision,
    Share,
    Symbol,
    Text,
    UtcTime,
    version,
)
from axiom.contracts.topic import Topic


class MarketEvent(Payload):
    """Something that happened and that was told in words.

    Near-duplicate headlines are one event: it is published again, under the same id, when a further source
    names more symbols. The newest version has the greatest (fetched_at, revision, content hash).

    Attributes:
        event_id: hash of the canonical URL, or of source, title and day where there is no URL.
        kind: `news` was written by people; `price-move` by the analytics service.
        symbols: the companies that the sources say it concerns; hints, not the result of reading it.
        publisher: who wrote it; `source` is the adapter that got it (`yahoo`, `finnhub`, `rss`, `file`, …).
        language: ISO 639-1.
        severity: of a price move, 0 to 1; 0 takes back one that corrected bars have unmade; None for news.
        fetched_at: of a price move, when the newest of its bars was fetched.
        revision: of a price move, which is told again with every bar of it that is corrected.
    """

    event_id: Digest
    kind: Literal["news", "price-move"] = "news"
    title: Text
    summary: LongText = ""
    url: Text | None = None
    publisher: Text | None = None
    source: Text
    symbols: tuple[Symbol, ...] = ()
    language: Text = "en"
    severity: Share | None = None
    published_at: UtcTime
    fetched_at: UtcTime
    revision: Revision | None = None


def event_version(event: MarketEvent, value: bytes | None) -> str:
    """Orders the versions of one event: fetch time, revision, the hash of the record's value."""
    return version([event.fetched_at], event.revision, content_hash(value))


TOPIC = Topic[MarketEvent](
    name="market-events",
    summary="news and other events that concern companies",
    key="event_id",
    payload=MarketEvent,
    key_of=lambda event: event.event_id,
    id_of=lambda event: event.event_id,
)
