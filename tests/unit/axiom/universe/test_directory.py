from __future__ import annotations

import pytest

from axiom.errors import Permanent, Transient
from axiom.universe.directory import parse_directory

pytestmark = pytest.mark.unit

NASDAQ = """Symbol|Security Name|Market Category|Test Issue|Financial Status|Round Lot Size|ETF|NextShares
AAPL|Apple Inc. - Common Stock|Q|N|N|100|N|N
QQQ|Invesco QQQ Trust, Series 1|G|N|N|100|Y|N
ZVZZT|NASDAQ TEST STOCK|G|Y|N|100|N|N
File Creation Time: 1120202621:33|||||||
"""
OTHER = """ACT Symbol|Security Name|Exchange|CQS Symbol|ETF|Round Lot Size|Test Issue|NASDAQ Symbol
BRK.B|Berkshire Hathaway Inc. Common Stock|N|BRK.B|N|100|N|BRK.B
ABR$D|Arbor Realty Trust Series D Preferred|N|ABRpD|N|100|N|ABR-D
IMO|Imperial Oil Limited Common Stock|A|IMO|N|100|N|IMO
File Creation Time: 1120202621:33|||||||
"""


def test_both_files_are_read_without_funds_and_test_issues() -> None:
    [apple] = parse_directory("nasdaqlisted.txt", NASDAQ)
    assert (apple.symbol, apple.name, apple.exchange) == ("AAPL", "Apple Inc. Common Stock", "NASDAQ")
    others = parse_directory("otherlisted.txt", OTHER)
    assert [(one.symbol, one.exchange) for one in others] == [
        ("BRK-B", "NYSE"),
        ("ABR-PD", "NYSE"),
        ("IMO", "AMEX"),
    ]


def test_a_file_that_breaks_off_is_not_loaded() -> None:
    with pytest.raises(Transient, match="breaks off"):
        parse_directory("nasdaqlisted.txt", NASDAQ[:200])


@pytest.mark.parametrize("text", ["", "<html>Not found</html>", OTHER])
def test_what_is_no_directory_is_refused(text: str) -> None:
    with pytest.raises(Permanent, match="no symbol directory"):
        parse_directory("nasdaqlisted.txt", text)
