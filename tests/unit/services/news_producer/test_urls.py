from __future__ import annotations

import pytest

from services.news_producer.urls import canonical_url, url_key

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("HTTPS://News.Example.com:443/a/?b=2&utm_source=x&a=1#top", "https://news.example.com/a?a=1&b=2"),
        ("http://example.com", "http://example.com"),
        ("http://example.com./x", "http://example.com/x"),
        ("https://example.com/?fbclid=1&gclid=2&guccounter=1&.tsrc=rss&mod=hp", "https://example.com"),
        ("https://example.com/a%7Eb/%e2%82%ac", "https://example.com/a~b/%E2%82%AC"),
        ("https://example.com/a%2Fb", "https://example.com/a%2Fb"),
        ("https://user:pw@example.com:8443/x", "https://example.com:8443/x"),
        ("https://bücher.example/x", "https://xn--bcher-kva.example/x"),
        ("https://example.com/x?id=2&id=1&empty=", "https://example.com/x?empty=&id=1&id=2"),
        (" https://example.com/a b ", "https://example.com/a%20b"),
    ],
)
def test_one_address_for_one_article(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical
    assert canonical_url(canonical) == canonical


@pytest.mark.parametrize(
    "url",
    ["", "x", "javascript:alert(1)", "ftp://example.com", "http://", "http://localhost/x", "http://[::1", "http://e.com:x/",
     "https://example.com/%00", "https://example.com/" + "a" * 2000, "http://exa mple.com/"],
)  # fmt: skip
def test_what_is_no_web_address(url: str) -> None:
    assert canonical_url(url) is None


def test_ids_mind_neither_tls_nor_the_mobile_site() -> None:
    same = [
        "https://www.example.com/a",
        "http://example.com/a",
        "http://m.example.com/a",
        "https://amp.example.com/a",
    ]
    assert {url_key(url) for url in same} == {"example.com/a"}
    assert url_key("https://m.com/a") == "m.com/a"
