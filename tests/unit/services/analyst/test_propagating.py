from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.analyst.market import Market, Rows
from services.analyst.propagating import Propagated, propagate
from services.analyst.settings import AnalystSettings
from tests.texts import DAY, event_id

pytestmark = pytest.mark.unit

NEWS = event_id("Chip limits")
NOW = DAY + timedelta(hours=5)
SUPPLIES = {"kind": "supplies", "subject": "TSM", "object": "NVDA", "confidence": 0.9}


class Remembered(Market):
    """What PostgreSQL would say, in memory."""

    def __init__(self, severity: float | None = None, score: float = -0.9, **own: Any) -> None:
        self.event = {
            "event_id": NEWS, "title": "Chip limits", "severity": severity, "published_at": DAY,
            "fetched_at": DAY,
        }  # fmt: skip
        self.score = score
        self.links: Rows = own.get("links", [SUPPLIES])
        self.told: dict[str, tuple[float, str]] = {}

    async def recent_events(self, since: Any, until: Any) -> Rows:
        return [self.event] if since <= self.event["published_at"] < until else []

    async def affected(self, events: Any) -> Rows:
        row = {"subject": NEWS, "object": "NVDA", "sentiment_score": self.score, "confidence": 0.8}
        return [row] if NEWS in events else []

    async def relations(self) -> Rows:
        return self.links

    async def correlated(self) -> Rows:
        return [{"symbol_a": "ASML", "symbol_b": "TSM", "r": 0.8}]

    async def exposed(self, events: Any) -> Any:
        return {NEWS: self.told}

    async def run(self, hours: int = 0) -> Propagated:
        found = await propagate(self, AnalystSettings(), NOW + timedelta(hours=hours))
        for one in found.mutations:
            assert one.object
            self.told[one.object] = one.sentiment_score or 0.0, one.explanation or ""
        return found


async def test_the_path_explains_the_exposure() -> None:
    market = Remembered()
    tsm, asml = (await market.run()).mutations
    assert (tsm.kind, tsm.subject, tsm.object, tsm.method) == ("exposes", NEWS, "TSM", "diffusion")
    assert tsm.explanation == "NVDA is badly affected; NVDA buys from TSM"
    directly = -0.9 * 0.8 * 0.4 * 0.9 * 0.7
    assert tsm.sentiment_score is not None
    assert 1.3 * directly < tsm.sentiment_score < directly, "some of it comes back to TSM"
    assert asml.explanation == "NVDA is badly affected; NVDA buys from TSM; TSM correlates with ASML"
    assert (asml.sentiment, asml.confidence, asml.reading) == ("negative", 0.8, int(NOW.timestamp()))


async def test_told_once_until_the_graph_changes_and_taken_back_when_no_path_is_left() -> None:
    market = Remembered()
    assert len((await market.run()).mutations) == 2
    assert (await market.run(1)).mutations == []
    market.links = []
    gone = (await market.run(2)).mutations
    assert [(one.object, one.sentiment_score, one.confidence) for one in gone] == [
        ("ASML", 0.0, 0.0), ("TSM", 0.0, 0.0),
    ]  # fmt: skip
    assert (await market.run(3)).mutations == []
    market.links = [SUPPLIES]
    again = (await market.run(4)).mutations
    assert {one.mutation_id for one in again} == {one.mutation_id for one in gone}
    assert again[0].reading > gone[0].reading


@pytest.mark.parametrize(("severity", "score", "counts"), [(None, -0.3, 0), (0.9, -0.3, 1), (None, 0.9, 1)])
async def test_only_severe_events_spread(severity: float | None, score: float, counts: int) -> None:
    assert len((await Remembered(severity, score).run()).events) == counts


async def test_old_events_do_not() -> None:
    assert (await Remembered().run(100)).events == ()
