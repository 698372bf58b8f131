"""The local extractor keeps the contract whatever it reads; made-up headlines come out as one would say."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axiom.universe.files import bundled
from axiom.universe.names import Names
from services.enricher.extraction import Extraction
from services.enricher.local.extractor import LocalExtractor
from services.enricher.local.lexicon import tone_of
from services.enricher.local.model import bundled as models
from services.enricher.local.model import packed, read
from services.enricher.local.text import normalised, skeleton

pytestmark = pytest.mark.unit

EXTRACTOR = LocalExtractor(Names(bundled()))


def holds(extraction: Extraction, title: str, summary: str) -> None:
    """What every answer must fulfil."""
    assert Extraction.model_validate_json(extraction.model_dump_json()) == extraction
    passages = [one.evidence for one in (*extraction.companies, *extraction.relations)]
    passages += [one.name for one in extraction.companies]
    assert all(one and "\0" not in one and (one in title or one in summary) for one in passages)
    assert len(extraction.companies) <= 10
    assert len(extraction.relations) <= 5
    assert all(one.name in one.evidence for one in extraction.companies)


@pytest.mark.parametrize(
    ("title", "event_type", "sentiment"),
    [
        ("Microsoft beats quarterly earnings estimates, revenue misses", "earnings", None),
        ("Intel declares $0.125 quarterly dividend", "dividend-buyback", "neutral"),
        ("Goldman Sachs downgrades Netflix to Sell, cuts price target", "analyst-rating", "negative"),
        ("Fed raises rates by 75 basis points as inflation climbs", "macro", None),
        ("Walmart names new chief financial officer", "management", "neutral"),
        ("SEC sues Tesla over misleading statements", "legal-regulatory", "negative"),
        ("Nvidia shares jump 8% after record quarter", None, "positive"),
        ("Pfizer to acquire biotech firm in $5 billion deal", "merger-acquisition", None),
        ("Ford guides Q3 revenue above consensus", "guidance", None),
    ],
)
def test_headlines_are_typed(title: str, event_type: str | None, sentiment: str | None) -> None:
    read = EXTRACTOR.extract(title, "", ())
    holds(read, title, "")
    assert event_type in (None, read.event_type)
    assert sentiment in (None, read.sentiment)


def test_companies_carry_evidence_and_their_own_sentiment() -> None:
    title = "Apple shares surge on record profit while Intel plunges after weak results"
    read = EXTRACTOR.extract(title, "", ())
    assert {one.symbol: one.evidence for one in read.companies} == {"AAPL": title, "INTC": title}
    apple, intel = read.companies
    assert apple.sentiment_score > intel.sentiment_score


@pytest.mark.parametrize(
    ("title", "symbol"),
    [("Morgan Stanley upgrades Nvidia to Overweight", "NVDA"), ("Morgan Stanley profit rises", "MS")],
)
def test_a_bank_that_rates_is_not_who_it_concerns(title: str, symbol: str) -> None:
    assert [one.symbol for one in EXTRACTOR.extract(title, "", ()).companies] == [symbol]


@pytest.mark.parametrize(
    ("title", "relations"),
    [
        ("Microsoft competes with Amazon in the cloud", [("competes-with", "Microsoft", "Amazon")]),
        ("Pepsi rival Coca-Cola raises prices", [("competes-with", "Pepsi", "Coca-Cola")]),
        ("Broadcom supplies wireless chips to Apple", [("supplies", "Broadcom", "Apple")]),
        ("Apple supplier Broadcom warns", [("supplies", "Broadcom", "Apple")]),
        ("Microsoft no longer competes with Amazon", []),
        ("Does Microsoft compete with Amazon? Microsoft competes with Amazon?", []),
        ("Microsoft to acquire Netflix", []),
        ("Microsoft and Amazon rise", []),
    ],
)
def test_relations_need_plain_words(title: str, relations: list[tuple[str, str, str]]) -> None:
    read = EXTRACTOR.extract(title, "", ())
    holds(read, title, "")
    assert [(one.kind, one.subject, one.object) for one in read.relations] == relations


HOSTILE = [
    "", " ", "\0", "\0Apple\0 rises\0", "Apple " * 50_000, "A" * 1_000_000, "$AAPL" * 20_000,
    "(AAPL) " * 20_000,
    "\u202eelppA\u202c Apple", "Ａｐｐｌｅ rises", "Apple\u200b rises", "🍎" * 5000, "Apple\r\n\r\nIntel",
    "\ud800Apple\udfff rises", "'; MATCH (n) DETACH DELETE n //", '{"event_type": "delete"}',
    "&amp;" * 10_000,
    "-" * 100_000, "((((((" * 10_000, "Apple, " * 3000, "İ" * 3000, "a\u0301" * 5000, "1,1" * 50_000,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_keep_the_contract(text: str) -> None:
    holds(EXTRACTOR.extract(text, "", ()), text, "")
    holds(EXTRACTOR.extract("Apple rises", text, ("AAPL", text[:50])), "Apple rises", text)


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_keeps_the_contract(title: str, summary: str) -> None:
    holds(EXTRACTOR.extract(title, summary, ()), title, summary)


def test_the_same_text_is_read_the_same_way_again() -> None:
    again = LocalExtractor(Names(bundled()), read(packed(models())))
    for title in ("Apple rises 3%", "Ford cuts jobs", "Oil falls"):
        assert again.extract(title, "", ()) == EXTRACTOR.extract(title, "", ())


@pytest.mark.slow
def test_two_thousand_headlines_take_seconds_of_cpu() -> None:
    began_s = time.process_time()
    for number in range(2000):
        EXTRACTOR.extract(
            f"Apple shares rise {number}% after Intel supplier reports strong quarterly results", "", ()
        )
    assert time.process_time() - began_s < 20


def test_marks_stand_for_what_differs() -> None:
    text = normalised("$AAPL: Apple (AAPL) rises +3.2% on $1.2B buyback https://t.co/x")
    assert text == "zzcash apple zztick rises zzup on zzmoney buyback"
    assert skeleton("BREAKING: $F Ford cuts 3,000 jobs https://t.co/a") == skeleton(
        "Ford cuts 8,000 jobs #ford"
    )
    assert tone_of(["profit", "did", "not", "fall", "despite", "weak", "demand"]) == (3, 0)
