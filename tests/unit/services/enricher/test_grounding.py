from __future__ import annotations

from typing import Any

import pytest

from services.enricher.extraction import CompanyRead, Extraction, RelationRead
from services.enricher.grounding import MAX_EVIDENCE, evidence_stands, ground_event
from services.enricher.statements import Grounded, Provenance, Statement, mutation_id, mutations
from tests.unit.services.enricher.samples import NAMES, NOW

pytestmark = pytest.mark.unit

TEXT = "Apple and Microsoft compete.\n\nTSMC supplies NVIDIA with chips, and Intel watches."
EVENT = "0" * 31 + "1"


def company(name: str, evidence: str = "Apple", symbol: str | None = None) -> CompanyRead:
    return CompanyRead(name=name, symbol=symbol, sentiment="positive", sentiment_score=0.5, evidence=evidence)


def relation(kind: Any, subject: str, other: str, evidence: str) -> RelationRead:
    return RelationRead(kind=kind, subject=subject, object=other, evidence=evidence, confidence=0.8)


def ground(companies: list[CompanyRead], relations: list[RelationRead] | None = None) -> Grounded:
    read = Extraction(
        event_type="product", sentiment="neutral", sentiment_score=0.0, confidence=0.9, companies=companies,
        relations=relations or [],
    )  # fmt: skip
    return ground_event(read, EVENT, TEXT, NAMES)


def edges(grounded: Grounded) -> list[tuple[str, str, str | None]]:
    return [(one.kind, one.subject, one.object) for one in grounded.statements[1:]]


def test_the_first_statement_classifies_the_event() -> None:
    [first] = ground([]).statements
    assert (first.kind, first.subject, first.object, first.event_type) == (
        "classifies",
        EVENT,
        None,
        "product",
    )
    assert first.evidence == "Apple and Microsoft compete."


def test_names_symbols_and_aliases_become_listed_symbols() -> None:
    grounded = ground([company("Apple"), company("TSMC", "TSMC"), company("?", "Intel", symbol="INTC")])
    assert edges(grounded) == [
        ("affects", EVENT, "AAPL"),
        ("affects", EVENT, "TSM"),
        ("affects", EVENT, "INTC"),
    ]


@pytest.mark.parametrize(
    ("read", "why"),
    [
        (company("Acme Rockets"), "unknown_company"),
        (company("Apple", evidence="Apple rises"), "no_evidence"),
        (company("Apple", evidence=""), "no_evidence"),
        (company("Apple", evidence="  "), "no_evidence"),
        (company("Apple", evidence="apple"), "no_evidence"),
    ],
)
def test_what_does_not_hold_is_dropped_and_counted(read: CompanyRead, why: str) -> None:
    grounded = ground([read])
    assert edges(grounded) == []
    assert grounded.dropped == {why: 1}


def test_evidence_that_is_too_long_points_at_nothing() -> None:
    text = "x" * (MAX_EVIDENCE + 1)
    assert evidence_stands(text[:-1], text)
    assert not evidence_stands(text, text)


def test_relations_need_two_known_companies_that_the_text_names() -> None:
    supplies = "TSMC supplies NVIDIA"
    grounded = ground(
        [],
        [
            relation("supplies", "TSMC", "NVIDIA", supplies),
            relation("supplies", "TSMC", "Acme", supplies),
            relation("supplies", "TSMC", "TSMC", supplies),
            relation("supplies", "TSMC", "Exxon Mobil", supplies),
            relation("competes-with", "Microsoft", "Apple", "they do"),
        ],
    )
    assert edges(grounded) == [("supplies", "TSM", "NVDA")]
    assert grounded.dropped == {"unknown_company": 1, "with_itself": 1, "no_evidence": 2}


SOURCE = Provenance("market-events", EVENT, "local", "m", "p-1", "u", 0, "0", NOW, NOW)


def statement(kind: Any, subject: str, other: str) -> Statement:
    return Statement(kind, subject, other, 0.123456, "evidence")


def test_ends_of_undirected_edges_are_in_order() -> None:
    grounded = Grounded([statement("competes-with", "MSFT", "AAPL"), statement("supplies", "TSM", "NVDA")])
    made = mutations(grounded, SOURCE, 10)
    assert [(one.subject, one.object) for one in made] == [("AAPL", "MSFT"), ("TSM", "NVDA")]


def test_one_mutation_a_target_and_no_more_than_the_limit() -> None:
    statements = [statement("affects", EVENT, symbol) for symbol in ("A", "B", "A", "C", "D")]
    grounded = Grounded(statements)
    made = mutations(grounded, SOURCE, 2)
    assert [one.object for one in made] == ["A", "B"]
    assert grounded.dropped == {"repeated": 1, "over_limit": 2}


def test_ids_depend_on_cause_kind_and_ends_alone() -> None:
    [one] = mutations(Grounded([statement("affects", EVENT, "A")]), SOURCE, 9)
    assert one.mutation_id == mutation_id("market-events", EVENT, "affects", EVENT, "A")
    assert one.confidence == 0.1235
    assert mutation_id("a", "bc", "x", "y", None) != mutation_id("ab", "c", "x", "y", None)
