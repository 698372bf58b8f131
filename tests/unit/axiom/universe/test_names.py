"""Names in texts and answers become listed symbols, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axiom.universe.listing import Listing, Universe
from axiom.universe.names import Names

pytestmark = pytest.mark.unit

NAMES = Names(
    Universe.of(
        [
            Listing("AAPL", "Apple Inc. Common Stock", market_cap=3e12),
            Listing("GOOGL", "Alphabet Inc. Class A Common Stock", market_cap=2.01e12, aliases=("Google",)),
            Listing("GOOG", "Alphabet Inc. Class C Capital Stock", market_cap=2.02e12),
            Listing("TGT", "Target Corporation Common Stock", market_cap=7e10),
            Listing("GAP", "Gap Inc. (The) Common Stock", market_cap=7e9),
            Listing("ETN", "Eaton Corporation PLC Ordinary Shares", market_cap=1e11),
            Listing("ETV", "Eaton Vance Corporation Tax-Managed Income Fund", market_cap=1e9),
            Listing("NKTR", "Nektar Therapeutics Common Stock", market_cap=1e9),
            Listing("T", "AT&T Inc.", market_cap=1e11),
            Listing("KO", "Coca-Cola Company (The) Common Stock", market_cap=3e11),
            Listing("BRK-B", "Berkshire Hathaway Inc.", market_cap=1e12),
            Listing("BRK-A", "Berkshire Hathaway Inc.", market_cap=9e11),
            Listing("SPG", "Simon Property Group Inc. Common Stock", market_cap=5e10),
            Listing("SPG-PJ", "Simon Property Group Inc. 8 3/8% Series J Preferred Stock"),
            Listing("MCD", "McDonald's Corporation Common Stock", market_cap=2e11),
            Listing("ONON", "On Holding AG Class A Ordinary Shares", market_cap=1e10),
        ]
    )
)


@pytest.mark.parametrize(
    ("mention", "symbol"),
    [
        ("Apple", "AAPL"), ("apple inc.", "AAPL"), ("AAPL", "AAPL"), ("$aapl", "AAPL"), ("Google", "GOOGL"),
        ("Alphabet (GOOG)", "GOOGL"), ("GOOG", "GOOGL"), ("BRK.A", "BRK-B"), ("Target Corp.", "TGT"),
        ("The Gap", "GAP"), ("Nektar", "NKTR"), ("AT&T", "T"), ("at and t inc", "T"), ("Coca Cola", "KO"),
        ("McDonald’s", "MCD"), ("SPG-PJ", "SPG"), ("NYSE: KO", "KO"), ("Áppłe Düsseldorf GmbH", None),
        ("", None), ("$", None), ("()", None), ("aapl", None), ("the", None),
    ],
)  # fmt: skip
def test_a_mention_resolves_to_the_main_listing(mention: str, symbol: str | None) -> None:
    assert NAMES.resolve(mention) == symbol


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Apple's supplier warns", ["Apple"]),
        ("Nektar and Coca-Cola rise", ["Nektar", "Coca-Cola"]),
        ("$KO falls, (NYSE: T) too", ["$KO", "NYSE: T"]),
        ("McDonald’s sales beat", ["McDonald"]),
        ("The price target was raised", []),
        ("Price Target Raised On Strong Demand", []),
        ("Target cuts its forecast", ["Target"]),
        ("Shares of Target Corp fall", ["Target"]),
        ("Mind the Gap In Pay", []),
        ("Shares Soar On Q4 Results", []),
        ("Eaton Vance declares a dividend", ["Eaton Vance"]),
        ("Eaton Va declares a dividend", ["Eaton"]),
        ("Eaton declares a dividend", ["Eaton"]),
        ("apple pie is cheap", []),
        ("", []),
    ],
)
def test_texts_name_companies_by_stated_rules(text: str, found: list[str]) -> None:
    assert [text[one.start : one.end] for one in NAMES.find(text)] == found


def test_hints_settle_doubtful_names_and_add_none() -> None:
    assert not NAMES.find("Why Target Looks Cheap")
    assert [one.symbol for one in NAMES.find("Why Target Looks Cheap", ["TGT"])] == ["TGT"]
    assert not NAMES.find("Nothing here", ["TGT", "NOPE", ""])


@given(st.text(max_size=300), st.lists(st.text(max_size=6), max_size=3))
def test_no_text_breaks_it(text: str, hints: list[str]) -> None:
    found = NAMES.find(text, hints)
    assert all(0 <= one.start < one.end <= len(text) for one in found)
    assert all(
        one.symbol in {"AAPL", *(NAMES.main(one.symbol) or "")} or NAMES.main(one.symbol) for one in found
    )
    NAMES.resolve(text)


def test_an_empty_universe_knows_nobody() -> None:
    nobody = Names(Universe.of([]))
    assert nobody.resolve("Apple") is None
    assert nobody.find("Apple $AAPL (AAPL)") == []
