"""How a batch becomes vectors: each symbol's stored days, with the batch's bars folded in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from axiom.runtime.sink import Sink
from axiom.settings import ChromaSettings
from axiom.stores.chroma import Change, ChromaStore, Entity, Handler
from axiom.stores.chroma_rows import Metadata
from axiom.stores.chroma_shadow import ChromaShadow
from axiom.stores.port import Batch
from services.chroma_sink.days import Days, fold_days
from services.chroma_sink.shape import shape
from topics import price_updates

COLLECTION = "price_shapes"


def symbols(batch: Batch) -> Iterable[str]:
    """The symbols in a batch of `price-updates`."""
    return {bar.symbol for bar in batch.payloads}


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


def make_sink(settings: ChromaSettings) -> Sink[Handler]:
    """The sink, its store and its routing."""
    store = ChromaStore(settings, collections={COLLECTION: "cosine"})
    handler = Handler(collection=COLLECTION, keys=symbols, fold=fold)
    return Sink(
        name="chroma-sink",
        store=store,
        handlers={price_updates.TOPIC: handler},
        shadow=lambda: ChromaShadow(store),
    )
