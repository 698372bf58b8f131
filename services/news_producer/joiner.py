"""Joins articles that are one event, and knows which were published before.

Memory is bounded: the oldest of `remember` events goes when a new one comes.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from datetime import timedelta

from services.news_producer.article import symbols_of
from services.news_producer.headlines import Headline, headline, says_the_same
from topics.market_events import MarketEvent

TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _Known:
    event: MarketEvent
    headline: Headline


class Joiner:
    """Events in mind, by id and by the words of their headlines."""

    def __init__(self, remember: int, window: timedelta, *, near: bool = True) -> None:
        """`window`: how far apart two headlines that say the same may be published; `near` false: only a
        repeated id is a repeat."""
        self._remember = remember
        self._window = window
        self._near = near
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._by_stem: defaultdict[str, set[str]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._known)

    def recall(self, event: MarketEvent) -> None:
        """An event that is in the topic already."""
        before = self._known.get(event.event_id)
        if before is None or before.event.fetched_at <= event.fetched_at:
            self._keep(event)

    def join(self, event: MarketEvent) -> MarketEvent | None:
        """What is to be published of an event: itself when it is new; the event that it repeats, with the
        symbols of both, when it names further ones; else None.

        A merged event is fetched later than the one before it, so that it counts as its newer version.
        """
        known = self._same_as(event)
        if known is None:
            self._keep(event)
            return event
        before = known.event
        symbols = symbols_of((*before.symbols, *event.symbols))
        if symbols == before.symbols:
            return None
        fetched_at = max(event.fetched_at, before.fetched_at + TICK)
        merged = before.model_copy(update={"symbols": symbols, "fetched_at": fetched_at})
        self._keep(merged)
        return merged

    def forget(self, event: MarketEvent) -> None:
        """It did not get through: the next time it is new again."""
        known = self._known.pop(event.event_id, None)
        if known is not None:
            self._unlist(event.event_id, known)

    def _same_as(self, event: MarketEvent) -> _Known | None:
        if (known := self._known.get(event.event_id)) is not None:
            return known
        if not self._near:
            return None
        words = headline(event.title)
        for found in self._candidates(words):
            known = self._known[found]
            apart = abs(known.event.published_at - event.published_at)
            if apart <= self._window and says_the_same(words, known.headline):
                return known
        return None

    def _candidates(self, words: Headline) -> list[str]:
        """Events that have a word which any headline that says the same as this one has.

        A further word of the longer is an ordinary one, so both have every other word of this one: the rarest
        of these is enough. Without any, at most a quarter of the words is missing, not all of the rarest.
        """
        rarest = sorted(words.stems, key=lambda stem: len(self._by_stem.get(stem, ())))
        fixed = [stem for stem in rarest if stem not in words.ordinary]
        some = fixed[:1] or rarest[: len(rarest) // 4 + 1]
        return sorted({found for stem in some for found in self._by_stem.get(stem, ())})

    def _keep(self, event: MarketEvent) -> None:
        before = self._known.pop(event.event_id, None)
        if before is not None:
            self._unlist(event.event_id, before)
        known = _Known(event, headline(event.title))
        self._known[event.event_id] = known
        for stem in known.headline.stems:
            self._by_stem[stem].add(event.event_id)
        while len(self._known) > self._remember:
            oldest, gone = self._known.popitem(last=False)
            self._unlist(oldest, gone)

    def _unlist(self, event_id: str, known: _Known) -> None:
        for stem in known.headline.stems:
            self._by_stem[stem].discard(event_id)
            if not self._by_stem[stem]:
                del self._by_stem[stem]
