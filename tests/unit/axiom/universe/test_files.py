from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from axiom.errors import Misconfigured
from axiom.universe.files import bundled, enriched, parse, read, yahoo_symbol
from axiom.universe.kinds import companies, kind_of
from axiom.universe.listing import Listing, Universe
from axiom.universe.watchlist import WatchListSettings, sectors

pytestmark = pytest.mark.unit

LISTED = Path(__file__).parents[5] / "shared" / "data" / "universe" / "us_listed_2026-08-22.csv.gz"
SCREENER = """Symbol,Name,Last Sale,Net Change,% Change,Market Cap,Country,IPO Year,Volume,Sector,Industry
AAPL,Apple Inc. Common Stock,$210.02,-1.3,-0.6%,3120000000000.00,United States,1980,1000,Technology,Computers
BRK/B,"Berkshire Hathaway Inc.",$495.82,1,0.1%,,United States,,1000,,
ABR^D,Arbor Realty Trust 6.375% Series D Cumulative Redeemable Preferred Stock,$18,0,0%,,,,10,,
"""


def test_the_screeners_own_headings_and_symbols() -> None:
    loaded = parse(SCREENER)
    assert loaded.rejected == ()
    assert sorted(loaded.universe.listings) == ["AAPL", "ABR-PD", "BRK-B"]
    apple = loaded.universe.listings["AAPL"]
    assert (apple.sector, apple.market_cap, apple.exchange) == ("Technology", 3.12e12, "")


def test_our_own_columns_packed_or_not(tmp_path: Path) -> None:
    text = "symbol,name,exchange,aliases\nGOOGL,Alphabet Inc.,NASDAQ,Google|Alphabet|Google\n"
    plain, packed = tmp_path / "own.csv", tmp_path / "own.csv.gz"
    plain.write_text(text)
    packed.write_bytes(gzip.compress(text.encode()))
    assert read(plain).universe == read(packed).universe
    assert read(plain).universe.listings["GOOGL"].aliases == ("Google", "Alphabet")


def test_rows_that_are_no_listings_are_told_with_their_line() -> None:
    text = "symbol,name,market_cap\nAAPL,Apple,1\n,Nameless,\nMSFT,,\nKO,Coca-Cola,a lot\nX\0,Odd,\n"
    loaded = parse(text)
    assert list(loaded.universe.listings) == ["AAPL"]
    assert [told.split(":")[0] for told in loaded.rejected] == ["line 3", "line 4", "line 5", "line 6"]
    assert "'a lot' is no amount" in loaded.rejected[2]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a,b\n1,2\n",
        b"symbol,name\n",
        b"\xff\xfe\x00",
        gzip.compress(b"symbol,name\nA,B\n", mtime=0)[:-6],
    ],
)
def test_what_is_no_list_of_companies_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / ("list.csv.gz" if content[:2] == b"\x1f\x8b" else "list.csv")
    path.write_bytes(content)
    with pytest.raises(Misconfigured):
        read(path)
    with pytest.raises(Misconfigured, match="can't be read"):
        read(tmp_path / "absent.csv")


@pytest.mark.parametrize(
    ("written", "symbol"), [("BF/A", "BF-A"), ("ABR$D", "ABR-PD"), (" brk.b ", "BRK-B"), ("^GSPC", "^GSPC")]
)
def test_symbols_are_written_as_yahoo_does(written: str, symbol: str) -> None:
    assert yahoo_symbol(written) == symbol


def test_a_loaded_list_gets_the_known_aliases_and_what_it_lacks() -> None:
    universe = enriched(parse(SCREENER).universe, bundled())
    berkshire, apple = universe.listings["BRK-B"], universe.listings["AAPL"]
    assert "Berkshire Hathaway" in berkshire.aliases
    assert berkshire.sector == "Financials"
    assert apple.sector == "Technology", "its own word stays"
    assert "MSFT" not in universe.listings, "nothing is added"


def test_the_bundled_list_knows_the_names_of_headlines() -> None:
    listings = bundled().listings
    assert 150 <= len(listings) <= 300
    assert {"Google", "Alphabet"} <= set(listings["GOOGL"].aliases)
    assert {"Facebook", "Meta"} <= set(listings["META"].aliases)
    assert all(
        one.name and one.exchange and one.sector and one.industry and one.country for one in listings.values()
    )
    names = [alias.lower() for one in listings.values() for alias in one.aliases]
    assert len(names) == len(set(names)), "one name, one company"
    assert set(sectors()) <= set(listings)
    assert {listings[symbol].sector for symbol in sectors()} == set(sectors().values())


def test_the_version_is_of_the_content_alone() -> None:
    one, other = Listing("A", "Agilent"), Listing("B", "Barnes")
    assert Universe.of([one, other]).version == Universe.of([other, one]).version
    assert Universe.of([one]).version != Universe.of([other]).version


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Apple Inc. Common Stock", "company"),
        ("Preferred Bank Common Stock", "company"),
        ("Bright Horizons Family Solutions Inc. Common Stock", "company"),
        ("MPLX LP Common Units Representing Limited Partner Interests", "company"),
        (
            "America Movil American Depositary Shares (each representing the right to receive twenty shares",
            "company",
        ),
        ("BuzzFeed Inc. Warrant", "warrant"),
        ("ABC Corp. Warrants to purchase American Depositary Shares", "warrant"),
        ("Catalyst Acquisition Corp. Units", "unit"),
        ("XYZ Corp Units, each consisting of one Class A ordinary share and one-half of one warrant", "unit"),
        ("Lake Superior Acquisition Corp. Rights", "right"),
        ("Gen Digital Inc. Contingent Value Rights", "right"),
        (
            "Bank Corp Depositary Shares each representing 1/1000th interest in a share of Preferred Stock",
            "preferred",
        ),
        ("Some Corp Pfd Ser H", "preferred"),
        ("Redwood Trust Inc. 9.125% Senior Notes Due 2029", "debt"),
        ("DTE Energy Company 2020 Series G 4.375% Junior Subordinated Debentures due 2080", "debt"),
    ],
)
def test_papers_are_told_from_companies(name: str, kind: str) -> None:
    assert kind_of(Listing("ABC", name)) == kind


def test_a_symbol_alone_tells_preferred_shares() -> None:
    assert kind_of(Listing("EQH-PA", "Equitable Holdings Inc. Depositary Shares")) == "preferred"
    assert kind_of(Listing("BF-A", "Brown Forman Corporation")) == "company"


def test_the_whole_us_list() -> None:
    if not LISTED.exists():
        pytest.skip("the listed universe is not on this machine")
    loaded = read(LISTED)
    assert loaded.rejected == ()
    assert len(loaded.universe.listings) == 7182
    found = companies(loaded.universe)
    assert 5800 < len(found) < 6000
    assert {"AAPL", "BRK-B", "GOOGL", "TSM", "ET"} <= {one.symbol for one in found}
    assert all(kind_of(loaded.universe.listings[symbol]) == "company" for symbol in sectors())


def test_the_watch_list_is_25_stocks_unless_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(WatchListSettings().watched) == 25
    monkeypatch.setenv("AXIOM_PRODUCER_SYMBOLS", "KO, PEP,")
    assert WatchListSettings().watched == ("KO", "PEP")
