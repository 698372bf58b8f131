"""The guarded web client against a local site: where it goes, where it never goes, and when it gives up."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from axiom.web.addresses import Refused, is_public
from axiom.web.client import GuardedResolver, Limits, NoAnswer, TooLarge, Web
from tests.integration.axiom.web.local_site import NamesOf, Site, local_site

pytestmark = pytest.mark.integration

QUICK = Limits(timeout_s=2.0, max_bytes=10_000)


@pytest.fixture
def site() -> Iterator[Site]:
    with local_site() as running:
        yield running


def only_loopback(address: str) -> bool:
    """In these tests the site's own address stands for the public internet."""
    return address == "127.0.0.1"


@asynccontextmanager
async def web_for(
    site: Site,
    limits: Limits = QUICK,
    permits: Callable[[str], bool] = only_loopback,
    names: dict[str, str] | None = None,
) -> AsyncIterator[Web]:
    allowed = (f"feeds.test:{site.port}", f"other.test:{site.port}")
    web = Web(limits, allowed, permits, NamesOf(names=names))
    try:
        yield web
    finally:
        await web.close()


def at(site: Site, path: str, host: str = "feeds.test") -> str:
    return f"http://{host}:{site.port}{path}"


async def test_a_page_with_its_status_and_headers(site: Site) -> None:
    site.says("/rss", "<rss/>", 429, Retry_After="30")
    async with web_for(site) as web:
        page = await web.get(at(site, "/rss"), params={"q": "a b"})
    assert (page.status, page.body, page.retry_after_s) == (429, b"<rss/>", 30.0)
    assert site.asked == ["/rss?q=a+b"]
    assert site.headers[0]["Accept-Encoding"] == "identity"


async def test_a_name_that_leads_to_a_private_address_is_refused(site: Site) -> None:
    site.says("/rss", "secret")
    async with web_for(site, permits=is_public) as web:
        with pytest.raises(Refused, match=r"feeds\.test leads to 127\.0\.0\.1"):
            await web.get(at(site, "/rss"))
    assert site.asked == []


async def test_one_private_address_among_others_is_enough(site: Site) -> None:
    class Both(NamesOf):
        async def resolve(self, host: str, port: int = 0, family: Any = 0) -> Any:
            good = await super().resolve(host, port, family)
            self.address = "10.0.0.1"
            return good + await super().resolve(host, port, family)

    with pytest.raises(Exception, match=r"10\.0\.0\.1"):
        await GuardedResolver(is_public, Both("8.8.8.8")).resolve("feeds.test", 80)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("http://169.254.169.254/latest/meta-data/", "only names"),
        ("http://localhost/", "allow-list"),
        ("file:///etc/passwd", "only http"),
        ("https://evil.test/", "allow-list"),
        ("http://feeds.test/", "allow-list"),
        ("http://[::1]/", "only names"),
    ],
)
async def test_a_redirect_must_pass_the_same_checks(site: Site, target: str, why: str) -> None:
    site.redirects("/rss", target)
    async with web_for(site) as web:
        with pytest.raises(Refused, match=why):
            await web.get(at(site, "/rss"))
    assert site.asked == ["/rss"]


async def test_a_redirect_to_a_name_that_leads_inside_is_refused(site: Site) -> None:
    site.redirects("/rss", at(site, "/inner", "other.test"))
    site.says("/inner", "secret")
    async with web_for(site, names={"other.test": "127.0.0.2"}) as web:
        with pytest.raises(Refused, match=r"other\.test leads to 127\.0\.0\.2"):
            await web.get(at(site, "/rss"))
    assert site.asked == ["/rss"]


async def test_redirects_within_the_list_are_followed_so_far_and_no_further(site: Site) -> None:
    site.redirects("/a", "/b")
    site.redirects("/b", at(site, "/c", "other.test"))
    site.says("/c", "there")
    site.redirects("/loop", "/loop")
    async with web_for(site) as web:
        page = await web.get(at(site, "/a"))
        assert (page.body, page.url) == (b"there", at(site, "/c", "other.test"))
        with pytest.raises(Refused, match="more than 3 redirects"):
            await web.get(at(site, "/loop"))


async def test_an_answer_over_the_limit_is_cut_off_announced_or_not(site: Site) -> None:
    site.says("/big", b"." * 10_001)
    site.says("/fits", b"." * 10_000)
    site.pages["/endless"] = "endless"
    async with web_for(site) as web:
        with pytest.raises(TooLarge, match="announced"):
            await web.get(at(site, "/big"))
        with pytest.raises(TooLarge, match="over 10,000"):
            await web.get(at(site, "/endless"))
        assert len((await web.get(at(site, "/fits"))).body) == 10_000


async def test_a_packed_answer_is_refused_for_it_may_be_a_bomb(site: Site) -> None:
    site.says("/bomb", gzip.compress(b"." * 50_000_000), Content_Encoding="gzip")
    async with web_for(site) as web:
        with pytest.raises((Refused, TooLarge)):
            await web.get(at(site, "/bomb"))


async def test_a_slow_answer_is_given_up(site: Site) -> None:
    site.pages["/slow"] = "slow"
    async with web_for(site, Limits(timeout_s=0.5)) as web:
        with pytest.raises(NoAnswer, match=r"no whole answer in 0\.5 s"):
            await web.get(at(site, "/slow"))


async def test_an_answer_that_is_cut_and_a_server_that_is_not_there(site: Site) -> None:
    site.pages["/cut"] = "cut"
    async with web_for(site) as web:
        with pytest.raises(NoAnswer):
            await web.get(at(site, "/cut"))
    web = Web(QUICK)
    with pytest.raises(NoAnswer) as told:
        await web.get("http://127.0.0.1:9/", params={"token": "abc123"})
    assert "abc123" not in str(told.value)
    await web.close()


async def test_the_operators_own_address_is_asked_as_it_is_and_not_followed(site: Site) -> None:
    site.redirects("/api", "/elsewhere")
    web = Web(QUICK)
    assert (await web.get(f"{site.url}/api")).status == 302
    await web.close()
