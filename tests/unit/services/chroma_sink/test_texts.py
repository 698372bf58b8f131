from __future__ import annotations

import random
from typing import Any

import pytest

from axiom.contracts.codec import encode
from services.chroma_sink.texts import (
    MAX_CHARACTERS,
    company_document,
    event_document,
    event_metadata,
    fold_companies,
    fold_events,
)
from tests.graph import batch
from tests.texts import company, event
from topics import company_fundamentals, market_events
from topics.market_events import MarketEvent, event_version

pytestmark = pytest.mark.unit


def stored(change: Any) -> dict[str, Any]:
    """A change's metadata, as a store would give it back."""
    return {key: entity.metadata for key, entity in change.entities.items()}


def test_the_document_of_an_event_is_title_and_summary() -> None:
    assert event_document(event("A title", summary="And more.")) == "A title\nAnd more."
    assert event_document(event("A title", summary="")) == "A title"
    assert len(event_document(event(summary="x" * 50_000))) == MAX_CHARACTERS


def test_the_document_of_a_company_is_what_is_known_of_it() -> None:
    assert company_document(company()).splitlines() == [
        "NVDA Corporation",
        "Technology",
        "Semiconductors",
        "Makes graphics processors for games and data centres.",
    ]
    assert company_document(company(sector=None, industry=None, description=None)) == "NVDA Corporation"


def test_what_is_not_known_is_left_out_of_the_metadata() -> None:
    found = event_metadata(event(symbols=(), publisher=None))
    assert event_metadata(event(symbols=("A", "B")))["symbols"] == "A B"
    assert event_metadata(event(symbols=("A", "B")))["symbol B"] is True
    assert not {"symbols", "publisher", "url", "severity"} & found.keys()
    assert found["published_at"] == "2026-03-02T00:00:00Z"
    assert found["published_s"] == 1772409600.0


def test_the_newest_of_an_event_wins_in_any_order_and_is_applied_once() -> None:
    versions = [
        event(hours=hours, symbols=symbols) for hours, symbols in ((0, ()), (5, ("AMD",)), (9, ("NVDA",)))
    ]
    for seed in range(6):
        order = random.Random(seed).sample(versions, len(versions))
        change = fold_events({}, batch(market_events.TOPIC, order))
        [entity] = change.entities.values()
        assert (change.applied, entity.metadata["symbols"], entity.vector) == (1, "NVDA", None)
        assert entity.document == event_document(versions[2])


def test_what_is_stored_already_changes_nothing() -> None:
    first = fold_events({}, batch(market_events.TOPIC, [event(hours=2)]))
    for older in (event(hours=2), event(hours=1, title="Nvidia faces new chip export limits")):
        again = fold_events(stored(first), batch(market_events.TOPIC, [older], start=7))
        assert (again.applied, again.entities) == (0, {})


def test_of_two_fetched_at_once_the_greater_hash_wins() -> None:
    pair = [event(symbols=("AMD",)), event(symbols=("NVDA",))]

    def version(one: MarketEvent) -> str:
        return event_version(one, encode(market_events.TOPIC, one).value)

    for order in (pair, pair[::-1]):
        [entity] = fold_events({}, batch(market_events.TOPIC, order)).entities.values()
        assert entity.metadata["content_version"] == max(map(version, pair))


def test_a_company_is_what_the_latest_day_says_whenever_it_was_fetched() -> None:
    late_fetch, late_day = company(hours=50), company(days=1, name="NVIDIA")
    change = fold_companies({}, batch(company_fundamentals.TOPIC, [late_day, late_fetch]))
    assert change.entities["NVDA"].metadata["name"] == "NVIDIA"
