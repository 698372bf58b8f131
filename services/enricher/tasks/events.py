"""Reading `market-events`: what happened, how good or bad it is, and for whom."""

from __future__ import annotations

from services.enricher.extraction import Extraction
from services.enricher.grounding import ground_event
from services.enricher.local.extractor import LocalExtractor
from services.enricher.name_list import NameList
from services.enricher.prompts.event import PROMPT, user_message
from services.enricher.statements import Grounded
from services.enricher.tasks.port import Batched, Cause
from topics import market_events
from topics.market_events import MarketEvent

MAX_TEXT = 6000  # characters; more is seldom news


class EventTask:
    """One reading of each event; price moves only where they are severe."""

    name = "event"
    pipeline = "events"
    topic = market_events.TOPIC
    prompt = PROMPT
    batched: Batched = "never"

    def __init__(self, min_severity: float) -> None:
        self._min_severity = min_severity
        self._local: tuple[NameList, LocalExtractor] | None = None

    def skip(self, event: MarketEvent) -> str | None:
        if event.kind == "price-move" and event.severity == 0:
            return "taken_back"
        if event.kind == "price-move" and (event.severity or 0.0) < self._min_severity:
            return "not_severe"
        return None if self._own_text(event).strip() else "no_text"

    def cause(self, event: MarketEvent) -> Cause:
        return Cause(event.event_id, event.published_at, event.fetched_at)

    def text(self, event: MarketEvent, names: NameList) -> str:
        return self._own_text(event)

    @staticmethod
    def _own_text(event: MarketEvent) -> str:
        return f"{event.title}\n{event.summary}".strip()[:MAX_TEXT]

    def question(self, event: MarketEvent, names: NameList) -> str:
        tagged = [(symbol, name) for symbol in event.symbols if (name := names.name_of(symbol))]
        return user_message(self._own_text(event), tagged)

    def symbols(self, event: MarketEvent) -> tuple[str, ...]:
        return event.symbols

    def read_locally(self, event: MarketEvent, names: NameList) -> Extraction:
        if self._local is None or self._local[0] is not names:
            self._local = (names, LocalExtractor(names.names))
        return self._local[1].extract(event.title, event.summary, event.symbols)

    def ground(self, event: MarketEvent, answer: Extraction, names: NameList) -> Grounded:
        return ground_event(answer, event.event_id, self._own_text(event), names)
