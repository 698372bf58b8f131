"""How batches become rows: a COPY into a stage, then one upsert; new prices go straight into their table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from pathlib import Path

from axiom.contracts.codec import content_hash
from axiom.contracts.record import Record
from axiom.runtime.sink import LINGER_S, Sink
from axiom.settings import PostgresSettings
from axiom.stores.port import Batch
from axiom.stores.postgres import Handler, PostgresStore, Transaction
from axiom.stores.postgres_shadow import PostgresShadow, PostgresSnapshots
from axiom.stores.queries import named_queries
from services.postgres_sink.mapping import COLUMNS, copy_data, months, newest
from services.postgres_sink.records import VersionedRows
from topics import (
    company_fundamentals,
    correlation_updates,
    graph_mutations,
    llm_calls,
    market_events,
    price_updates,
    technical_signals,
)
from topics.company_fundamentals import CompanyFundamentals, company_version
from topics.correlation_updates import CorrelationUpdate, correlation_version
from topics.graph_mutations import GraphMutation, mutation_version
from topics.llm_calls import LlmCall, call_id, call_version
from topics.market_events import MarketEvent, event_version
from topics.price_updates import PriceBar
from topics.technical_signals import TechnicalSignal, signal_version

SCHEMA = "market"
_STAGED_AFTER_CONFLICT = 50
_HERE = Path(__file__).parent
_SQL = named_queries(_HERE / "queries.sql")
_GRAPH = named_queries(_HERE / "graph.sql")
SESSION = "; ".join([_SQL["stage"], _GRAPH["stage_graph"]])
"""What a new connection runs: it makes the stages."""

EVENTS = VersionedRows(
    "market_events_stage", _GRAPH["upsert_market_events"], MarketEvent, attrgetter("event_id"), event_version
)
FUNDAMENTALS = VersionedRows(
    "company_fundamentals_stage", _GRAPH["upsert_company_fundamentals"], CompanyFundamentals,
    attrgetter("symbol", "as_of", "source"), company_version,
)  # fmt: skip
CORRELATIONS = VersionedRows(
    "correlation_updates_stage", _GRAPH["upsert_correlation_updates"], CorrelationUpdate,
    attrgetter("symbol_a", "symbol_b", "window", "as_of"), correlation_version,
)  # fmt: skip
MUTATIONS = VersionedRows(
    "graph_mutations_stage", _GRAPH["upsert_graph_mutations"], GraphMutation,
    attrgetter("mutation_id", "reading"), mutation_version, keeps_version=True,
)  # fmt: skip
CALLS = VersionedRows("llm_calls_stage", _GRAPH["upsert_llm_calls"], LlmCall, call_id, call_version)
SIGNALS = VersionedRows(
    "technical_signals_stage", _GRAPH["upsert_technical_signals"], TechnicalSignal,
    attrgetter("symbol", "indicator", "interval", "ts"), signal_version,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Copied:
    """A batch of bars as it is sent: its months, and binary COPY data of so many rows.

    Staged: of the newest version of each bar; else of every record.
    """

    months: list[date]
    data: bytes
    staged: bool


class PriceBars:
    """Writes batches of `price-updates`; a bar takes effect where it is newer than the table's.

    New bars go straight into the table. A batch with a bar that the table has (or that has one twice) takes
    the way over the stage, which costs twice as much, and so do the batches after it: where one bar was
    repeated, more are likely to be.
    """

    def __init__(self) -> None:
        self._staged_batches = 0

    def prepare(self, records: Sequence[Record], bars: Sequence[PriceBar]) -> Copied:
        """What is sent, by the way that is likely to be taken."""
        return _copied(records, bars, staged=self._staged_batches > 0)

    async def __call__(self, transaction: Transaction, batch: Batch) -> int:
        ready = batch.ready or self.prepare(batch.records, batch.payloads)
        await transaction.execute(_SQL["ensure_months"], ready.months)
        if not ready.staged and self._staged_batches == 0:
            if await transaction.try_copy("price_bars", COLUMNS, ready.data):
                return len(batch.records)
            self._staged_batches = _STAGED_AFTER_CONFLICT
        if not ready.staged:
            ready = _copied(batch.records, batch.payloads, staged=True)
        self._staged_batches = max(0, self._staged_batches - 1)
        await transaction.copy("price_bars_stage", COLUMNS, ready.data)
        return await transaction.execute(_SQL["upsert"])


def _copied(records: Sequence[Record], bars: Sequence[PriceBar], *, staged: bool) -> Copied:
    chosen: Sequence[PriceBar] = bars
    if staged:
        chosen, hashes = newest(records, bars)
    else:
        hashes = [content_hash(record.value) for record in records]
    return Copied(sorted(months(chosen)), copy_data(chosen, hashes), staged)


def make_sink(settings: PostgresSettings) -> Sink[Handler]:
    """The sink, its store and its routing."""
    store = PostgresStore(settings, schema=SCHEMA, migrations=_HERE / "migrations", session=SESSION)
    bars = PriceBars()
    return Sink(
        name="postgres-sink",
        store=store,
        handlers={
            price_updates.TOPIC: bars,
            market_events.TOPIC: EVENTS,
            company_fundamentals.TOPIC: FUNDAMENTALS,
            correlation_updates.TOPIC: CORRELATIONS,
            graph_mutations.TOPIC: MUTATIONS,
            llm_calls.TOPIC: CALLS,
            technical_signals.TOPIC: SIGNALS,
        },
        prepare={price_updates.TOPIC: bars.prepare},
        linger_s=LINGER_S,
        shadow=lambda: PostgresShadow(store),
        snapshots=lambda: PostgresSnapshots(store),
    )
