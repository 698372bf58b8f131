"""Lists of listed companies as files: the NASDAQ stock screener's CSV, our own CSV, and the bundled one."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path

from axiom.errors import Misconfigured
from axiom.universe.listing import Listing, Universe

MAX_FILE_BYTES = 64 * 1024 * 1024
SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.^=\-]{0,19}")
"""As `axiom.contracts.payload.Symbol`."""
COLUMNS = ("name", "exchange", "sector", "industry", "country")


@dataclass(frozen=True)
class Loaded:
    """A list that was read. `rejected`: rows that are no listings, with their line and the reason."""

    universe: Universe
    rejected: tuple[str, ...]


def read(path: Path) -> Loaded:
    """A `.csv` or `.csv.gz` with the columns symbol and name, and any of exchange, sector, industry, country,
    market_cap (US dollars) and aliases (separated by `|`).

    The screener's own headings (`Market Cap`) are known too. Symbols are written as Yahoo does (`BRK-B`).

    Raises:
        Misconfigured: no such file, not such a CSV, or no listing in it.
    """
    try:
        with path.open("rb") as file, gzip.open(file) if path.suffix == ".gz" else file as content_file:
            content = content_file.read(MAX_FILE_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Misconfigured(f"{path} can't be read: {error}") from error
    if len(content) > MAX_FILE_BYTES:
        raise Misconfigured(f"{path} is over {MAX_FILE_BYTES // 2**20} MiB: that is no list of companies")
    try:
        loaded = parse(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Misconfigured(f"{path} is no CSV in UTF-8: {error}") from error
    if not loaded.universe.listings:
        raise Misconfigured(f"{path} has no listing; {'; '.join(loaded.rejected[:3])}")
    return loaded


def parse(text: str) -> Loaded:
    """The listings of a CSV.

    Raises:
        Misconfigured: the columns symbol and name are missing.
    """
    reader = csv.reader(io.StringIO(text))
    columns = [heading.strip().lower().replace(" ", "_") for heading in next(reader, [])]
    if "symbol" not in columns or "name" not in columns:
        raise Misconfigured(
            f"a list of companies needs the columns symbol and name; this one has {', '.join(columns)[:200]}"
        )
    listings, rejected = [], []
    for row in filter(None, reader):
        listing = _listing(dict(zip(columns, (value.strip() for value in row), strict=False)))
        if isinstance(listing, str):
            rejected.append(f"line {reader.line_num}: {listing}")
        else:
            listings.append(listing)
    return Loaded(Universe.of(listings), tuple(rejected))


def yahoo_symbol(symbol: str) -> str:
    """An exchange's way to write a symbol as Yahoo's: classes and preferred shares by a dash.

    >>> [yahoo_symbol(symbol) for symbol in ("BRK/B", "BRK.B", "ABR^D", "ABR$D", "brk-b")]
    ['BRK-B', 'BRK-B', 'ABR-PD', 'ABR-PD', 'BRK-B']
    """
    return re.sub(r"(?<=.)[\^$]", "-P", symbol.strip().upper().replace("/", "-").replace(".", "-"))


def enriched(universe: Universe, known: Universe) -> Universe:
    """A universe with what another knows of the same symbols: aliases, and sector, industry and country where
    the first has none."""
    return Universe.of(_merged(one, known.listings.get(one.symbol)) for one in universe.listings.values())


@cache
def bundled() -> Universe:
    """Some 270 large companies listed in the US, with the names that headlines use for them."""
    return parse(files("axiom.universe").joinpath("data/companies.csv").read_text(encoding="utf-8")).universe


def _merged(listing: Listing, known: Listing | None) -> Listing:
    if known is None:
        return listing
    return replace(
        listing,
        aliases=_once([*listing.aliases, *known.aliases]),
        sector=listing.sector or known.sector,
        industry=listing.industry or known.industry,
        country=listing.country or known.country,
    )


def _listing(row: dict[str, str]) -> Listing | str:
    """The listing of a row, or what is wrong with it."""
    symbol = yahoo_symbol(row.get("symbol", ""))
    if not SYMBOL.fullmatch(symbol):
        return f"{symbol[:30]!r} is no symbol"
    texts = {column: row.get(column, "") for column in COLUMNS}
    if not texts["name"]:
        return f"{symbol} has no name"
    if any("\0" in value or len(value) > 2000 for value in row.values()):
        return f"{symbol} has a text that is no text"
    market_cap = row.get("market_cap", "").lstrip("$").replace(",", "")
    if not re.fullmatch(r"\d{0,18}(\.\d{1,10})?", market_cap):
        return f"{symbol}: market cap {market_cap[:30]!r} is no amount"
    aliases = _once(alias.strip() for alias in row.get("aliases", "").split("|"))
    return Listing(symbol, market_cap=float(market_cap or 0), aliases=aliases, **texts)


def _once(aliases: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, aliases)))
