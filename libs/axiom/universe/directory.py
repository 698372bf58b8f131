"""The public symbol directory of NASDAQ Trader: every share listed in the US, renewed each day, no key.

Two files with `|` between columns, a heading, and a last line that says when they were made:
https://www.nasdaqtrader.com/trader.aspx?id=symboldirdefs
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from axiom.errors import Permanent, Transient
from axiom.universe.files import SYMBOL, yahoo_symbol
from axiom.universe.listing import Listing, Universe
from axiom.web.client import Limits, Page, Web

DIRECTORY_URL = "https://www.nasdaqtrader.com/dynamic/symdir"
FILES: Mapping[str, str] = {"nasdaqlisted.txt": "Symbol", "otherlisted.txt": "ACT Symbol"}
"""Each file with its column of symbols."""
EXCHANGES = {"A": "AMEX", "N": "NYSE", "P": "NYSE Arca", "Z": "Cboe", "V": "IEX"}
LIMITS = Limits(timeout_s=60.0, max_bytes=16 * 1024 * 1024)
FEWEST = 1000
LAST_LINE = "File Creation Time"


async def download(base_url: str = DIRECTORY_URL, fewest: int = FEWEST) -> Universe:
    """The listings of both files; test issues and exchange-traded funds are left out.

    Raises:
        Transient: no answer, or one that breaks off.
        Permanent: an answer that is no symbol directory, or of fewer than `fewest` listings.
    """
    web = Web(LIMITS)
    try:
        pages = await asyncio.gather(*(web.get(f"{base_url.rstrip('/')}/{name}") for name in FILES))
    finally:
        await web.close()
    listings: list[Listing] = []
    for name, page in zip(FILES, pages, strict=True):
        listings += parse_directory(name, _text(name, page))
    if len(listings) < fewest:
        raise Permanent(f"the symbol directory has only {len(listings)} listings: it is not loaded")
    return Universe.of(listings)


def parse_directory(name: str, text: str) -> list[Listing]:
    """The listings of one file.

    Raises:
        Permanent: it has not the columns that it must have.
        Transient: its last line is missing, so it broke off.
    """
    lines = text.splitlines()
    columns = lines[0].split("|") if lines else []
    wanted = {FILES[name], "Security Name", "ETF", "Test Issue"}
    if not wanted <= set(columns):
        raise Permanent(f"{name} is no symbol directory: it begins {text[:80]!r}")
    if not lines[-1].startswith(LAST_LINE):
        raise Transient(f"{name} breaks off after {len(lines)} lines")
    rows = (dict(zip(columns, line.split("|"), strict=False)) for line in lines[1:-1])
    return list(_listings(rows, FILES[name]))


def _listings(rows: Iterable[Mapping[str, str]], symbol_column: str) -> Iterable[Listing]:
    for row in rows:
        symbol = yahoo_symbol(row[symbol_column])
        security = row.get("Security Name", "").strip().replace(" - ", " ", 1)
        if row.get("Test Issue") != "N" or row.get("ETF") == "Y" or not security:
            continue
        if SYMBOL.fullmatch(symbol):
            exchange = EXCHANGES.get(row.get("Exchange", ""), "") if "Exchange" in row else "NASDAQ"
            yield Listing(symbol, security, exchange)


def _text(name: str, page: Page) -> str:
    if page.status != 200:
        raise Transient(f"{name}: HTTP {page.status}", page.retry_after_s)
    return page.body.decode("utf-8", "replace")
