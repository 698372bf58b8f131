"""Files of JSON lines: our own events, or simple ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from axiom.errors import Misconfigured
from axiom.sources.files import Unusable, json_lines, json_object, why_not
from axiom.sources.outcomes import BadRow
from services.news_producer.article import Article, to_event
from services.news_producer.sources.port import Articles, Capabilities, Outcome, Setup
from topics.market_events import MarketEvent

CHUNK_ROWS = 500
TITLES, TIMES = ("title", "headline", "text"), ("published_at", "date", "datetime")


class NewsFile:
    """The events of one `.jsonl` or `.jsonl.gz`, in the file's order.

    A line is a `MarketEvent` (it has an `event_id`), or `{title, published_at, symbols, url, summary,
    publisher, language}`, of which only the title (or headline, or text) must be there; without a time it is
    the file's.
    """

    def __init__(self, path: Path, name: str = "file", *, stands_in: bool = False) -> None:
        self.name = name
        self.path = path
        self.capabilities = Capabilities(live=False, stands_in=stands_in)

    def rows(self) -> Iterator[MarketEvent | BadRow]:
        """Every line as its event, or as what is wrong with it.

        Raises:
            Misconfigured: there is no such file.
            Permanent: it is cut off or damaged; the rows before that were given.
        """
        return json_lines(self.path, lambda line, at: _event(line, self.name, at))

    async def fetch(self, symbols: Collection[str], since: datetime) -> AsyncGenerator[Outcome, None]:
        """As the port says: all there is, whatever the symbols."""
        pending: list[MarketEvent] = []
        for row in self.rows():
            if isinstance(row, BadRow):
                yield row
                continue
            pending.append(row)
            if len(pending) == CHUNK_ROWS:
                yield Articles(self.path.name, tuple(pending))
                pending.clear()
                await asyncio.sleep(0)
        yield Articles(self.path.name, tuple(pending))

    async def close(self) -> None:
        """Nothing is held between calls."""


def _event(line: str, source: str, at: datetime) -> MarketEvent:
    """The event of a line.

    Raises:
        Unusable: there is none; the message says why.
    """
    row = json_object(line)
    if "event_id" not in row:
        return to_event(_article(row, at), source, at)
    try:
        return MarketEvent.model_validate_json(line)
    except ValidationError as error:
        raise Unusable(why_not(error)) from error


def _article(row: Mapping[str, Any], at: datetime) -> Article:
    told = next((row[name] for name in TIMES if row.get(name)), None)
    symbols = row.get("symbols") or row.get("tickers") or ()
    if isinstance(symbols, str):
        symbols = symbols.split(",")
    if not isinstance(symbols, list | tuple) or not all(isinstance(symbol, str) for symbol in symbols):
        raise Unusable("symbols: no list of texts")
    try:
        moment = datetime.fromisoformat(told) if told else at
    except (ValueError, TypeError) as error:
        raise Unusable(f"published_at: {told!r:.40} is no time") from error
    texts = {name: value for name, value in row.items() if isinstance(value, str)}
    return Article(
        title=next((texts[name] for name in TITLES if name in texts), ""),
        published_at=moment.replace(tzinfo=moment.tzinfo or UTC),
        url=texts.get("url") or texts.get("link"),
        summary=texts.get("summary", ""),
        publisher=texts.get("publisher"),
        symbols=tuple(symbols),
        language=texts.get("language"),
    )


def make(setup: Setup) -> NewsFile:
    """Built by name; see `sources.build`.

    Raises:
        Misconfigured: no file is named, or there is none.
    """
    path = setup.settings.file
    if path is None or not path.is_file():
        raise Misconfigured(f"the source file needs AXIOM_NEWS_FILE, a file of JSON lines; it is {path}")
    return NewsFile(path)
