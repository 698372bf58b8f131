"""How a batch becomes vectors: price shapes out of the symbols' days, documents out of news and companies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from axiom.embedding.choice import Embedders
from axiom.runtime.sink import LINGER_S, Sink
from axiom.settings import ChromaSettings, EmbeddingSettings, load
from axiom.stores.chroma import ChromaStore
from axiom.stores.chroma_handler import Change, Entity, Handler
from axiom.stores.chroma_rows import Metadata
from axiom.stores.chroma_shadow import ChromaShadow
from axiom.stores.chroma_texts import Texts
from axiom.stores.port import Batch
from services.chroma_sink.days import Days, fold_days
from services.chroma_sink.shape import shape
from services.chroma_sink.texts import fold_companies, fold_events
from topics import company_fundamentals, market_events, price_updates

SHAPES = "price_shapes"
EVENTS = "market_events"
COMPANIES = "companies"
MOST_TEXTS = 512
"""Of one write: at worst some ten seconds of embedding, well within the watchdog's patience."""


def symbols(batch: Batch) -> Iterable[str]:
    """The symbols in a batch of `price-updates` or `company-fundamentals`."""
    return {payload.symbol for payload in batch.payloads}


def event_ids(batch: Batch) -> Iterable[str]:
    """The events in a batch of `market-events`."""
    return {event.event_id for event in batch.payloads}


def fold(stored: Mapping[str, Metadata], batch: Batch) -> Change:
    """The new shapes of the symbols whose days a batch changes."""
    days = {symbol: Days.parse(metadata["days"]) for symbol, metadata in stored.items()}
    changed, applied = fold_days(days, batch.records, batch.payloads)
    return Change({symbol: _entity(symbol, own) for symbol, own in changed.items()}, applied)


def _entity(symbol: str, days: Days) -> Entity:
    found = shape(days)
    return Entity(
        found.vector,
        {
            "symbol": symbol,
            "as_of": found.as_of.isoformat(),
            "last_close": found.last_close,
            "volatility": found.volatility,
            "returns": found.returns,
            "comparable": found.comparable,
            "days": days.dump(),
        },
    )


def make_sink(settings: ChromaSettings, embedders: Embedders | None = None) -> Sink[Handler]:
    """The sink, its store and its routing; the embedders are by the settings in force."""
    texts = Texts((EVENTS, COMPANIES), embedders or Embedders(load(EmbeddingSettings)))
    spaces = dict.fromkeys((SHAPES, EVENTS, COMPANIES), "cosine")
    store = ChromaStore(settings, collections=spaces, texts=texts)
    return Sink(
        name="chroma-sink",
        store=store,
        handlers={
            price_updates.TOPIC: Handler(SHAPES, symbols, fold),
            market_events.TOPIC: Handler(EVENTS, event_ids, fold_events),
            company_fundamentals.TOPIC: Handler(COMPANIES, symbols, fold_companies),
        },
        linger_s=LINGER_S,
        shadow=lambda: ChromaShadow(store),
        most_records={market_events.TOPIC: MOST_TEXTS, company_fundamentals.TOPIC: MOST_TEXTS},
    )
