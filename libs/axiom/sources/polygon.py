"""Polygon's API, now called Massive; address and keys are the same. https://massive.com/docs/rest/stocks"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from axiom.sources.keyed import Broken, Fine, Forbidden, Limited, NotListed, Provider, Said, down
from axiom.sources.settings import POLYGON_KEY
from axiom.web.client import Page

LIMITED = ("exceeded the maximum requests", "too many requests", "rate limit")
NOT_YET = ("before end of day", "end of day")


def identify(key: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The key travels in a header, never in a URL."""
    return {}, {"Authorization": f"Bearer {key}"}


def read(page: Page, body: Any) -> Said:
    """`status` in the body says more than HTTP's."""
    answer: Mapping[str, Any] = body if isinstance(body, dict) else {}
    status = str(answer.get("status") or "")
    told = str(answer.get("error") or answer.get("message") or "")
    if page.status == 429 or any(words in told.lower() for words in LIMITED):
        return Limited(f"HTTP {page.status}{told and f': {told}'}", page.retry_after_s)
    if page.status == 401 or "unknown api key" in told.lower():
        return Forbidden("the key is not valid", by_plan=False)
    if page.status == 403 or status == "NOT_AUTHORIZED":
        is_early = any(words in told.lower() for words in NOT_YET)
        return (
            Broken(f"not yet: {told}") if is_early else Forbidden(told or "the key's plan has no such data")
        )
    if page.status == 404 or status == "NOT_FOUND":
        return NotListed(told or "not found")
    if status == "ERROR":
        return Broken(told or "an error without a reason")
    return down("", page, body, told) or Fine(answer)


POLYGON = Provider("polygon", POLYGON_KEY, identify, read)


def theirs(symbol: str) -> str:
    """Our symbol, written as Yahoo does, as Polygon writes it.

    >>> [theirs(symbol) for symbol in ("BRK-B", "ABR-PD", "ACHR-WT", "AAC-UN", "AAPL")]
    ['BRK.B', 'ABRpD', 'ACHR.WS', 'AAC.U', 'AAPL']
    """
    for ending, written in ((r"-P([A-Z]?)$", r"p\1"), (r"-WT([A-Z]?)$", r".WS\1"), (r"-UN?$", ".U")):
        if re.search(ending, symbol):
            return re.sub(ending, written, symbol)
    return symbol.replace("-", ".")


def ours(ticker: str) -> str:
    """The way back.

    >>> [ours(ticker) for ticker in ("BRK.B", "ABRpD", "ACHR.WS", "AAC.U", "AAPL")]
    ['BRK-B', 'ABR-PD', 'ACHR-WT', 'AAC-UN', 'AAPL']
    """
    for ending, written in ((r"p([A-Z]?)$", r"-P\1"), (r"\.WS\.?([A-Z]?)$", r"-WT\1"), (r"\.U$", "-UN")):
        if re.search(ending, ticker):
            return re.sub(ending, written, ticker)
    return ticker.replace(".", "-")
