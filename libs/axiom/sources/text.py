"""Text of the web as plain text. Pure."""

from __future__ import annotations

import re
import unicodedata
from html import unescape

import nh3

SILENT = {"script", "style", "template", "noscript", "iframe", "svg"}
BLOCK = re.compile(r"<(?=/?(?:p|br|div|li|tr|td|h[1-6])\b)", re.IGNORECASE)
# Controls, invisible format characters (zero width, direction overrides), lone surrogates, private use.
UNSEEN = {"Cc", "Cf", "Cs", "Co"}
TAG = re.compile(r"<[a-zA-Z/!?]")


def plain(text: str, limit: int) -> str:
    """One line of readable text: no markup, no invisible characters, at most `limit` characters.

    >>> plain("<b>Apple&nbsp;&amp; Co</b><script>x()</script>", 100)
    'Apple & Co'
    """
    cut = text[: limit * 20]  # markup may be longer than the text in it, but not without end
    if TAG.search(cut):
        # nh3 (ammonia, in Rust): the standard library's parser takes minutes for 100 kB of open tags.
        cut = nh3.clean(BLOCK.sub(" <", cut), tags=set(), clean_content_tags=SILENT)
    cut = unescape(cut)
    cut = unicodedata.normalize("NFC", cut)
    seen = "".join(" " if char.isspace() else char for char in cut if char.isspace() or _is_seen(char))
    seen = " ".join(seen.split())
    return seen if len(seen) <= limit else seen[: limit - 1].rstrip() + "…"


def _is_seen(char: str) -> bool:
    return (char.isascii() and char.isprintable()) or unicodedata.category(char) not in UNSEEN
