"""A headline as the models read it: cleaned, and with figures, links and symbols as marks. Pure."""

from __future__ import annotations

import html
import re
import unicodedata

MAX_CHARS = 1200
"""What the models read of a text; event and tone of an article stand at its beginning."""

LINK = re.compile(r"https?://\S*|\bwww\.\S+|\bt\.co/\S*")
CASHTAG = re.compile(r"\$[A-Za-z][A-Za-z0-9.:=\-]{0,9}")
HANDLE = re.compile(r"[#@]\w+")
_BRACKETED_SYMBOL = re.compile(r"\(\s*(?:[A-Za-z ]{2,14}:\s?)?\$?[A-Z]{0,5}(?:[.\-][A-Z])?\s*\)")
_CURRENCY = r"(?:us\$|usd|c\$|a\$|hk\$|[$€£¥]|eur|gbp|nok|sek|rs\.?|inr|cad)"
_SIZE = r"(?:\s?(?:trillion|trln|billion|bln|bn|million|mln|crore|lakh|cr|[bmkt])\b)?"
_NUMBER = r"\d[\d,]*(?:\.\d+)?"
_MARKS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), mark)
    for pattern, mark in (
        (rf"\+\s?{_CURRENCY}?{_NUMBER}\s?(?:%|pct\b|percent\b)?", " zzup "),
        (rf"(?<![\w.])[-–−]\s?{_CURRENCY}?{_NUMBER}\s?(?:%|pct\b|percent\b)?", " zzdown "),
        (rf"{_NUMBER}\s?(?:%|percent\b|pct\b|per cent\b|pc\b)", " zzpct "),
        (rf"{_CURRENCY}\s?{_NUMBER}{_SIZE}", " zzmoney "),
        (r"\b(?:19|20)\d\d\b", " zzyear "),
        (r"\bq[1-4]\b|\b[1-4]q(?:20)?\d*\b", " zzquarter "),
        (r"\bfy\d*\b", " zzfiscal "),
        (_NUMBER, " zznum "),
    )
)
_WORD = re.compile(r"[^\W\d_]+(?:['&][^\W\d_]+)*|[!?:…]")
_SPACE = re.compile(r"\s+")
_LABEL = re.compile(
    r"^\W*(?:breaking|new|watch|look|icymi|earlier|latest|update|just in|exclusive|opinion|ca)\s*[:|\-]",
    re.IGNORECASE,
)
_SKELETON_WORD = re.compile(r"[^\W\d_]+")
_MOVE_IN_BRACKETS = re.compile(r"\([+\-–]\d[^)]*\)")
SKELETON_WORDS = 8


def normalised(text: str) -> str:
    """A text in lower case with marks for what differs from event to event.

    >>> normalised("$AAPL: Apple (AAPL) rises +3.2% on $1.2B buyback https://t.co/x")
    'zzcash apple zztick rises zzup on zzmoney buyback'
    """
    text = unicodedata.normalize("NFKC", html.unescape(html.unescape(text[: 2 * MAX_CHARS])))[:MAX_CHARS]
    text = HANDLE.sub(" ", LINK.sub(" ", text))
    text = CASHTAG.sub(" zzcash ", _BRACKETED_SYMBOL.sub(" zztick ", text)).replace("’", "'").lower()
    for pattern, mark in _MARKS:
        text = pattern.sub(mark, text)
    return _SPACE.sub(" ", text).strip()


def words(normalised_text: str) -> list[str]:
    """The words of a normalised text, in order."""
    return _WORD.findall(normalised_text)


def skeleton(text: str) -> str:
    """What near-identical headlines share: their first eight words, without labels (BREAKING:), links,
    symbols, handles and figures. Rows with one skeleton are on one side of the split into training and
    held-out rows.
    """
    text = unicodedata.normalize("NFKC", html.unescape(text[: 2 * MAX_CHARS]))
    for pattern in (LINK, CASHTAG, HANDLE, _MOVE_IN_BRACKETS):
        text = pattern.sub(" ", text)
    text = _LABEL.sub(" ", text).lower().replace("'", "").replace("’", "")
    return " ".join(_SKELETON_WORD.findall(text)[:SKELETON_WORDS])
