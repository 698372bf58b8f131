"""Versions of the list of companies on real PostgreSQL, the command line, and the symbol directory."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from axiom.errors import Permanent, Transient
from axiom.settings import PostgresSettings, load
from axiom.stores.control import ControlStore
from axiom.universe.directory import download
from axiom.universe.files import bundled
from axiom.universe.listing import Listing, Universe
from axiom.universe.store import MIGRATIONS, Universes
from tests.e2e.pipeline import run_axiom
from tests.integration.axiom.web.local_site import local_site
from tests.stack import StackUnderTest
from tests.unit.axiom.universe.test_directory import NASDAQ, OTHER

pytestmark = pytest.mark.integration
NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
async def universes(stack: StackUnderTest) -> AsyncIterator[Universes]:
    control = ControlStore(load(PostgresSettings), migrations=MIGRATIONS)
    made = Universes(control)
    await made.setup()
    await control.execute("DELETE FROM universes")
    await made.setup()
    yield made
    await control.execute("DELETE FROM universes")
    await control.close()


def some(name: str = "Google") -> Universe:
    odd = Listing("ZZZ", f"{name} «quoted» \\ ' \" Ünïcode", aliases=("Zed",))
    return Universe.of([Listing("GOOGL", "Alphabet Inc.", "NASDAQ", market_cap=4217148600000.25), odd])


async def test_the_bundled_list_is_current_until_another_is_loaded(universes: Universes) -> None:
    await universes.setup()
    first = await universes.current()
    assert (first.version, first.source) == (bundled().version, "bundled")
    loaded = await universes.load(some(), "own.csv", NOW - timedelta(days=4000))
    current = await universes.current()
    assert current == loaded, "also one that was loaded before the bundled list was made"
    assert "Google" in current.universe.listings["GOOGL"].aliases


async def test_an_old_version_can_always_be_had_again(universes: Universes) -> None:
    old = await universes.load(some("old"), "old.csv", NOW)
    new = await universes.load(some("new"), "new.csv", NOW + timedelta(days=1))
    assert (await universes.current()).version == new.version
    again = await universes.by_version(old.version)
    assert again is not None
    assert again.universe.listings == old.universe.listings
    assert await universes.by_version("0" * 12) is None
    assert await universes.by_version(bundled().version) is not None
    assert [row.version for row in await universes.all()] == [new.version, old.version, bundled().version]


async def test_loading_a_list_again_makes_it_current_and_stores_it_once(universes: Universes) -> None:
    old = await universes.load(some("old"), "old.csv", NOW)
    await universes.load(some("new"), "new.csv", NOW + timedelta(days=1))
    await universes.load(some("old"), "old.csv", NOW + timedelta(days=2))
    assert (await universes.current()).version == old.version
    assert len(await universes.all()) == 3


async def test_a_stored_list_that_was_changed_is_not_used(
    universes: Universes, stack: StackUnderTest
) -> None:
    edition = await universes.load(some(), "own.csv", NOW)
    control = ControlStore(load(PostgresSettings), migrations=MIGRATIONS)
    await control.execute("UPDATE universes SET listings = '[]' WHERE version = $1", edition.version)
    with pytest.raises(Permanent, match="was changed"):
        await universes.current()
    await control.close()


async def test_the_commands(universes: Universes, stack: StackUnderTest, tmp_path: Path) -> None:
    file = tmp_path / f"{uuid.uuid4()}.csv"
    file.write_text("symbol,name,aliases\nMETA,Meta Platforms,Zuck Inc\n,Nameless,\n")
    loaded = run_axiom(stack.env, "universe", "load", str(file), "--json")
    assert loaded.returncode == 0, loaded.stderr
    told = json.loads(loaded.stdout)
    assert (told["listings"], told["rejected_rows"]) == (1, 1)
    shown = json.loads(run_axiom(stack.env, "universe", "show", "meta", "--json").stdout)
    assert shown["aliases"][:2] == ["Zuck Inc", "Facebook"]
    assert (shown["kind"], shown["universe"]) == ("company", told["version"])
    listed = json.loads(run_axiom(stack.env, "universe", "list", "--json").stdout)
    assert (listed[0]["version"], listed[0]["current"]) == (told["version"], True)
    assert run_axiom(stack.env, "universe", "show", "NOPE").returncode == 1
    assert run_axiom(stack.env, "universe", "show", "META", "--version", "x").returncode == 2
    assert run_axiom(stack.env, "universe", "load").returncode == 2
    assert run_axiom(stack.env, "universe", "load", "--nasdaq", "--url", "http://127.0.0.1:9").returncode == 3


async def test_the_symbol_directory_is_downloaded_whole_or_not_at_all() -> None:
    with local_site() as site:
        site.says("/dir/nasdaqlisted.txt", NASDAQ)
        site.says("/dir/otherlisted.txt", OTHER)
        universe = await download(f"{site.url}/dir/", fewest=4)
        assert sorted(universe.listings) == ["AAPL", "ABR-PD", "BRK-B", "IMO"]
        with pytest.raises(Permanent, match="only 4 listings"):
            await download(f"{site.url}/dir")
        site.says("/dir/otherlisted.txt", "", 503, Retry_After="7")
        with pytest.raises(Transient, match="HTTP 503"):
            await download(f"{site.url}/dir", fewest=4)
        site.pages["/dir/otherlisted.txt"] = "cut"
        with pytest.raises(Transient):
            await download(f"{site.url}/dir", fewest=4)
