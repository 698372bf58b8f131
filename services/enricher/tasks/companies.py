"""Reading `company-fundamentals`: competitors, peers, suppliers and customers of a company."""

from __future__ import annotations

import re

from axiom.contracts.payload import rfc3339
from services.enricher.grounding import evidence_stands, resolve
from services.enricher.name_list import NameList
from services.enricher.prompts.company import PROMPT, CompanyReading, CompanyRelation, user_message
from services.enricher.statements import Grounded, Statement
from services.enricher.tasks.port import Batched, Cause
from topics import company_fundamentals
from topics.company_fundamentals import CompanyFundamentals

MAX_DESCRIPTION = 4000
MAX_EXPLANATION = 300
LOCAL_PEERS = 5
LOCAL_CONFIDENCE = 0.5
_SENTENCE = re.compile(r"[^.!?]+[.!?]?")


class CompanyTask:
    """One reading of each profile: figures that change daily are not in it, so neither is the question."""

    name = "company"
    pipeline = "company-graph"
    topic = company_fundamentals.TOPIC
    prompt = PROMPT
    batched: Batched = "always"

    def skip(self, company: CompanyFundamentals) -> str | None:
        return None if company.industry or company.description else "no_profile"

    def cause(self, company: CompanyFundamentals) -> Cause:
        event_id = f"{company.symbol}:{rfc3339(company.as_of)}:{company.source}"
        return Cause(event_id, company.as_of, company.fetched_at)

    def text(self, company: CompanyFundamentals, names: NameList) -> str:
        facts = {
            "Symbol": company.symbol, "Name": company.name, "Sector": company.sector,
            "Industry": company.industry, "Country": company.country,
        }  # fmt: skip
        lines = [f"{name}: {value}" for name, value in facts.items() if value]
        return "\n".join([*lines, (company.description or "")[:MAX_DESCRIPTION]]).strip()

    def question(self, company: CompanyFundamentals, names: NameList) -> str:
        return user_message(self.text(company, names))

    def symbols(self, company: CompanyFundamentals) -> tuple[str, ...]:
        return (company.symbol,)

    def read_locally(self, company: CompanyFundamentals, names: NameList) -> CompanyReading:
        return CompanyReading(
            relations=[*_named_competitors(company, names), *_largest_peers(company, names)]
        )

    def ground(self, company: CompanyFundamentals, answer: CompanyReading, names: NameList) -> Grounded:
        grounded, text = Grounded(), self.text(company, names)
        for relation in answer.relations:
            other = resolve(relation.name, relation.symbol, names)
            if other is None:
                grounded.dropped["unknown_company"] += 1
            elif other == company.symbol:
                grounded.dropped["with_itself"] += 1
            elif not evidence_stands(relation.evidence, text):
                grounded.dropped["no_evidence"] += 1
            else:
                grounded.statements.append(_statement(company.symbol, other, relation))
        return grounded


def _statement(symbol: str, other: str, relation: CompanyRelation) -> Statement:
    explanation = relation.explanation.replace("\0", "").strip()[:MAX_EXPLANATION] or None
    rest = (relation.confidence, relation.evidence)
    match relation.kind:
        case "supplied-by":
            return Statement("supplies", other, symbol, *rest, explanation=explanation)
        case kind:
            return Statement(kind, symbol, other, *rest, explanation=explanation)


def _named_competitors(company: CompanyFundamentals, names: NameList) -> list[CompanyRelation]:
    """Companies that the description names in a sentence about competition."""
    relations: dict[str, CompanyRelation] = {}
    for sentence in _SENTENCE.findall((company.description or "")[:MAX_DESCRIPTION]):
        if "compet" not in sentence.lower():
            continue
        for symbol, start, end in names.find(sentence):
            if symbol != company.symbol:
                relations.setdefault(
                    symbol,
                    CompanyRelation(
                        kind="competes-with", name=sentence[start:end], symbol=symbol,
                        evidence=sentence.strip(), confidence=LOCAL_CONFIDENCE,
                        explanation="The company's own description names it where it speaks of competition.",
                    ),
                )  # fmt: skip
    return list(relations.values())


def _largest_peers(company: CompanyFundamentals, names: NameList) -> list[CompanyRelation]:
    """The largest companies of the same industry, by market cap and then by symbol."""
    if not company.industry:
        return []
    listings = names.universe.listings.values()
    peers = [one for one in listings if one.industry == company.industry and one.symbol != company.symbol]
    peers.sort(key=lambda one: (-one.market_cap, one.symbol))
    return [
        CompanyRelation(
            kind="sector-peer", name=peer.symbol, symbol=peer.symbol, evidence=company.industry,
            confidence=LOCAL_CONFIDENCE, explanation=f"Both are listed in the industry {company.industry}.",
        )
        for peer in peers[:LOCAL_PEERS]
    ]  # fmt: skip
