from __future__ import annotations

import pytest

from services.news_producer.headlines import headline, says_the_same

pytestmark = pytest.mark.unit

LONG = "Apple raises full-year revenue forecast after strong iPhone sales"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Apple raises its forecast", "APPLE RAISES FORECAST"),
        (LONG, f"UPDATE 2-{LONG} - Reuters"),
        (LONG, f"Exclusive: {LONG} | Example News"),
        (
            "Apple's profit rises 5% in third quarter",
            "Apple profit rose 5% in the third quarter".replace("rose", "rises"),
        ),
        (
            "Europe stocks steady, euro hostage to ECB decision",
            "Europe stocks hold steady, euro hostage to ECB decision",
        ),
        ("JPMorgan raises target to Rs 1,100", "JPMorgan raises target to Rs 1100"),
    ],
)
def test_headlines_that_say_the_same(one: str, other: str) -> None:
    assert says_the_same(headline(one), headline(other))
    assert says_the_same(headline(other), headline(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LONG, LONG.replace("raises", "cuts")),
        (LONG, LONG.replace("Apple", "Amazon")),
        (LONG, LONG.replace("raises", "does not raise")),
        (LONG, LONG.replace("Apple raises", "Apple may raise")),
        (LONG, f"Microsoft, {LONG}"),
        ("Apple profit rises 5% in third quarter", "Apple profit rises 6% in third quarter"),
        ("Microsoft sues Apple over patents", "Apple sues Microsoft over patents"),
        ("Earnings call", "Earnings calls"),
        ("", ""),
        ("Tesla recalls cars", "Tesla recalls all cars with a certain door latch built before spring"),
    ],
)
def test_headlines_that_do_not(one: str, other: str) -> None:
    assert not says_the_same(headline(one), headline(other))
    assert not says_the_same(headline(other), headline(one))
