from __future__ import annotations

import gzip
import tomllib
from pathlib import Path

import pytest

from axiom.errors import Misconfigured
from axiom.resilience.clock import ManualClock
from axiom.settings import load
from axiom.sources.access import Access
from axiom.universe.watchlist import sectors
from services.price_producer.__main__ import make_chain
from services.price_producer.sample.make_sample import SAMPLE, sample_rows
from services.price_producer.settings import ProducerSettings
from services.price_producer.sources import available, build
from services.price_producer.sources.file import FileSource
from services.price_producer.sources.port import Bars, Setup, everything
from topics.price_updates import PriceBar

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine's own stack, and caches in a folder of the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AXIOM_HOME", str(tmp_path / "home"))


KEYED = ("finnhub", "alpha_vantage", "polygon")


def setup_of(settings: ProducerSettings | None = None) -> Setup:
    clock = ManualClock()
    return Setup(settings or ProducerSettings(), clock, Access.in_memory(clock))


def test_every_source_is_found_by_its_modules_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert available() == ["alpha_vantage", "finnhub", "polygon", "sample", "synthetic", "yahoo"]
    for name in KEYED:
        with pytest.raises(Misconfigured, match=f"AXIOM_{name.upper()}_API_KEY"):
            build(name, setup_of())
        monkeypatch.setenv(f"AXIOM_{name.upper()}_API_KEY", "a-key")
    for name in available():
        assert build(name, setup_of()).name == name


@pytest.mark.parametrize("name", ["bloomberg", "port", "os"])
def test_an_unknown_source_is_named_with_those_there_are(name: str) -> None:
    with pytest.raises(Misconfigured, match=f"'{name}'.*sample, synthetic, yahoo"):
        build(name, setup_of())


def test_real_and_made_up_prices_are_not_mixed() -> None:
    with pytest.raises(Misconfigured, match="made-up"):
        make_chain(setup_of(ProducerSettings(sources=("yahoo", "synthetic"))))
    chain = make_chain(setup_of())
    assert [source.name for source in chain.sources] == ["yahoo", "sample"]


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXIOM_PRODUCER_SOURCES", "synthetic, ")
    monkeypatch.setenv("AXIOM_PRODUCER_SYMBOLS", "AAPL, BRK-B")
    settings = load(ProducerSettings)
    assert settings.sources == ("synthetic",)
    assert settings.symbols == ("AAPL", "BRK-B")


@pytest.mark.parametrize(
    ("name", "value"),
    [("SYMBOLS", "AAPL,no such"), ("SOURCES", ","), ("RATE_PER_S", "0"), ("BACKFILL_SESSIONS", "x")],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"AXIOM_PRODUCER_{name}", value)
    with pytest.raises(Misconfigured, match=f"AXIOM_PRODUCER_{name}"):
        load(ProducerSettings)


def test_the_watch_list_is_25_stocks_of_several_sectors() -> None:
    assert len(sectors()) == 25
    assert len(set(sectors().values())) >= 8
    assert load(ProducerSettings).symbols == ()


def test_the_service_says_what_it_needs() -> None:
    service = tomllib.loads((SAMPLE.parents[1] / "service.toml").read_text())
    assert service["port_offset"] == 11
    assert service["needs"] == ["kafka", "postgres"]


async def test_the_sample_is_three_years_of_closes() -> None:
    sample = build("sample", setup_of())
    assert not sample.capabilities.live
    outcomes = [outcome async for outcome in sample.fetch([], everything("1d"))]
    bars = [bar for outcome in outcomes if isinstance(outcome, Bars) for bar in outcome.bars]
    assert len(bars) == 754 * 20
    assert all(isinstance(outcome, Bars) for outcome in outcomes), "no bad rows"
    assert {bar.source for bar in bars} == {"sample"}
    assert {bar.split_ratio for bar in bars} == {1.0}
    assert {bar.volume for bar in bars} == {0.0}
    assert all(bar.open == bar.high == bar.low == bar.close for bar in bars)
    assert (bars[0].ts.date().isoformat(), bars[-1].ts.date().isoformat()) == ("2020-01-02", "2022-12-28")
    assert {bar.fetched_at.isoformat() for bar in bars} == {"2022-12-28T21:00:00+00:00"}


def test_the_sample_is_small_and_says_where_it_comes_from() -> None:
    assert SAMPLE.stat().st_size < 250_000
    words = SAMPLE.with_name("ATTRIBUTION.md").read_text()
    assert "skfolio" in words
    assert "BSD 3-Clause License" in words


def test_the_sample_is_what_its_script_makes_of_the_dataset(tmp_path: Path) -> None:
    table = "Date,AAPL,KO\n2019-12-31,1.5,2.5\n2020-01-02,1.75,2.75\n"
    assert sample_rows(table) == [
        ("AAPL", "2020-01-02", "1.75", "1.75", "1.75", "1.75", "0", "1"),
        ("KO", "2020-01-02", "2.75", "2.75", "2.75", "2.75", "0", "1"),
    ]
    first = gzip.decompress(SAMPLE.read_bytes()).decode().splitlines()[1]
    assert first == "AAPL,2020-01-02,73.348,73.348,73.348,73.348,0,1"


def test_the_sample_reads_as_a_file_like_any_other() -> None:
    row = next(FileSource(SAMPLE).rows())
    assert isinstance(row, PriceBar)
    assert row.source == "file"
