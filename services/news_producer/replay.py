"""The events of a file, for publishing it whole: no filters, and only a repeated article is a repeat."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from axiom.sources.outcomes import BadRow
from services.news_producer.joiner import Joiner
from services.news_producer.sources.file import NewsFile
from topics.market_events import MarketEvent

REMEMBER = 200_000


def events_of(file: NewsFile) -> Iterator[MarketEvent | BadRow]:
    """Every event of the file in its order; a function of the file alone.

    A line that names further symbols for an article of an earlier line gives the event again with all of
    them.

    Raises:
        Misconfigured: there is no such file.
        Permanent: it is damaged; the rows before that were given.
    """
    joiner = Joiner(REMEMBER, timedelta(), near=False)
    for row in file.rows():
        fresh = row if isinstance(row, BadRow) else joiner.join(row)
        if fresh is not None:
            yield fresh
