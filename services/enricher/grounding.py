"""From what was read to what holds: names become listed symbols, evidence must stand in the text. Pure.

Nothing that a text or a model says gets past this but statements of the closed kinds, about listed companies,
each with words of the text that say so.
"""

from __future__ import annotations

from typing import Protocol

from services.enricher.extraction import CompanyRead, Extraction, RelationRead
from services.enricher.statements import Grounded, Statement

MAX_EVIDENCE = 1000  # characters; a longer span points at nothing


class Names(Protocol):
    """The part of `axiom.universe.names` that grounding needs."""

    def resolve(self, mention: str) -> str | None:
        """The listed symbol that a symbol, name or alias stands for."""


def evidence_stands(evidence: str, text: str) -> bool:
    """Whether the evidence is an exact, not empty substring of the text."""
    return bool(evidence.strip()) and len(evidence) <= MAX_EVIDENCE and evidence in text


def ground_event(read: Extraction, event_id: str, text: str, names: Names) -> Grounded:
    """The statements of an event that hold; the first one classifies the event itself."""
    grounded = Grounded()
    grounded.statements.append(
        Statement(
            "classifies", event_id, None, read.confidence, text[:MAX_EVIDENCE].split("\n", 1)[0],
            event_type=read.event_type, sentiment=read.sentiment, sentiment_score=read.sentiment_score,
        )
    )  # fmt: skip
    for company in read.companies:
        _ground_company(company, read.confidence, event_id, text, names, grounded)
    for relation in read.relations:
        _ground_relation(relation, text, names, grounded)
    return grounded


def _ground_company(
    company: CompanyRead, confidence: float, event_id: str, text: str, names: Names, grounded: Grounded
) -> None:
    symbol = resolve(company.name, company.symbol, names)
    if symbol is None:
        grounded.dropped["unknown_company"] += 1
    elif not evidence_stands(company.evidence, text):
        grounded.dropped["no_evidence"] += 1
    else:
        grounded.statements.append(
            Statement(
                "affects", event_id, symbol, confidence, company.evidence,
                sentiment=company.sentiment, sentiment_score=company.sentiment_score,
            )
        )  # fmt: skip


def _ground_relation(relation: RelationRead, text: str, names: Names, grounded: Grounded) -> None:
    subject, other = names.resolve(relation.subject), names.resolve(relation.object)
    if subject is None or other is None:
        grounded.dropped["unknown_company"] += 1
    elif subject == other:
        grounded.dropped["with_itself"] += 1
    elif not evidence_stands(relation.evidence, text) or not (
        relation.subject in text and relation.object in text
    ):
        grounded.dropped["no_evidence"] += 1
    else:
        grounded.statements.append(
            Statement(relation.kind, subject, other, relation.confidence, relation.evidence)
        )


def resolve(name: str, symbol: str | None, names: Names) -> str | None:
    """What the name stands for; what the symbol stands for where the name is not known."""
    return names.resolve(name) or (names.resolve(symbol) if symbol else None)
