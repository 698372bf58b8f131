from __future__ import annotations

import time

import pytest

from axiom.sources.text import plain

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Apple &amp; Co", "Apple & Co"),
        ("<p>One</p><p>Two&nbsp;three</p>", "One Two three"),
        ("a < b and c > d", "a < b and c > d"),
        ("<script>alert('x')</script>Shares <b>fall</b>", "Shares fall"),
        ("<style>p{}</style><!-- no -->Text", "Text"),
        ("<script>never closed", ""),
        ("tab\tand\nline\r\n  spaces", "tab and line spaces"),
        ("zero\u200bwidth \u202eoverride\u202c \x00nul \ud800lone", "zerowidth override nul lone"),
        ("Cafe\u0301", "Café"),
        ("AT&amp;amp;T", "AT&amp;T"),
        ("", ""),
    ],
)
def test_what_is_left_of_a_text(text: str, expected: str) -> None:
    assert plain(text, 200) == expected


def test_it_is_cut_to_its_limit() -> None:
    assert plain("word " * 100, 12) == "word word w…"
    assert len(plain("x" * 10_000_000, 500)) == 500


@pytest.mark.parametrize(
    "bomb", ["<" * 300_000, "<a " * 100_000, "&" * 300_000, "<!--" * 90_000, "<p>" * 90_000]
)
def test_hostile_markup_takes_no_time(bomb: str) -> None:
    began_s = time.process_time()
    plain(bomb, 5_000)
    assert time.process_time() - began_s < 5
