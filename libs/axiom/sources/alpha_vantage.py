"""Alpha Vantage's API: every answer is HTTP 200, and its errors are sentences. https://www.alphavantage.co/documentation"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from axiom.sources.keyed import Broken, Fine, Forbidden, Limited, NotListed, Provider, Said, down
from axiom.sources.settings import ALPHA_VANTAGE_KEY
from axiom.web.client import Page

PREMIUM = ("premium endpoint", "premium feature", "premium-only", "this is a premium")
OF_THE_DAY = ("per day", "daily rate limit", "requests per day", "calls per day")
PER_MINUTE = ("per minute", "per second", "more sparingly", "call frequency")


def identify(key: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The key is a parameter; there is no other way."""
    return {"apikey": key}, {}


def read(page: Page, body: Any) -> Said:
    """`Note` and `Information` take the place of data when a limit is reached or the plan lacks something."""
    told = _told(body)
    lower = told.lower()
    if page.status == 429:
        return Limited(f"HTTP 429{told and f': {told}'}", page.retry_after_s)
    if told and any(words in lower for words in PREMIUM):
        return Forbidden(told)
    if told and "invalid api call" in lower:
        return NotListed(told)
    if told and ("apikey is invalid" in lower or "invalid api key" in lower):
        return Forbidden("the key is not valid", by_plan=False)
    if told and any(words in lower for words in (*OF_THE_DAY, *PER_MINUTE, "rate limit")):
        return Limited(told, whole_day=_is_of_the_day(lower))
    wrong = down("", page, body, told)
    if wrong is not None:
        return wrong
    if told:
        return Broken(told)
    return Fine(body) if isinstance(body, dict) and body else Broken("an empty answer")


def _told(body: Any) -> str:
    """The sentence in place of data; an answer with data may have an `Information` beside it."""
    if not isinstance(body, dict) or len(body) > 1:
        return ""
    return next((str(body[name]) for name in ("Note", "Information", "Error Message") if name in body), "")


def _is_of_the_day(lower: str) -> bool:
    """The old sentence names both limits, and came for the one of the minute."""
    return any(words in lower for words in OF_THE_DAY) and not any(words in lower for words in PER_MINUTE)


ALPHA_VANTAGE = Provider("alpha_vantage", ALPHA_VANTAGE_KEY, identify, read)
