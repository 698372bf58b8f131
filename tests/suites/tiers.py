"""What every place for tiers must do. A subclass gives `tiers`, which is empty."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from axiom.tiers.model import Member, Priced

CLOSE = datetime(2026, 11, 20, 21, tzinfo=UTC)
ASKED = CLOSE + timedelta(hours=1)
MEMBERS = [
    Member("AAPL", 1, 1),
    Member("MSFT", 1, 2),
    Member("KO", 2, 3),
    Member("PEP", 2, 4),
    Member("T", 2, 5),
]


def priced(symbol: str, hours: float = 0, traded_usd: float | None = None, source: str = "finnhub") -> Priced:
    later = timedelta(hours=hours)
    return Priced(symbol, CLOSE + later, ASKED + later, source, traded_usd)


class TiersSuite:
    """Tests of `axiom.tiers.port.Tiers`."""

    async def test_an_assignment_replaces_the_one_before(self, tiers: Any) -> None:
        assert await tiers.standings() == []
        assert await tiers.assign(MEMBERS, "aaaaaaaaaaaa", ASKED) == 5
        assert await tiers.assign(MEMBERS, "aaaaaaaaaaaa", ASKED) == 0
        moved = [Member("MSFT", 1, 1), Member("AAPL", 2, 2), Member("NEW", 2, 3)]
        assert await tiers.assign(moved, "bbbbbbbbbbbb", ASKED) == 1 + 1 + 3
        assert [(one.symbol, one.tier, one.rank) for one in await tiers.standings()] == [
            ("MSFT", 1, 1), ("AAPL", 2, 2), ("NEW", 2, 3),
        ]  # fmt: skip

    async def test_what_was_got_is_kept_and_times_only_grow(self, tiers: Any) -> None:
        await tiers.assign(MEMBERS, "aaaaaaaaaaaa", ASKED)
        await tiers.note([priced("KO", 2, source="polygon")])
        await tiers.note([priced("KO", 1)])
        standings = {one.symbol: one for one in await tiers.standings(2)}
        assert standings["KO"].through == CLOSE + timedelta(hours=2)
        assert standings["KO"].asked_at == ASKED + timedelta(hours=2)
        assert standings["KO"].source == "polygon"
        assert standings["PEP"].through is None

    async def test_whose_turn_it_is(self, tiers: Any) -> None:
        await tiers.assign(MEMBERS, "aaaaaaaaaaaa", ASKED)
        later = ASKED + timedelta(hours=5)
        assert await tiers.due(2, later, 2) == ["KO", "PEP"]
        await tiers.note([priced("KO", 1), priced("PEP", 6)])
        assert await tiers.due(2, later, 9) == ["T", "KO"]
        assert await tiers.asked_since(2, later) == 1
        await tiers.note([priced("T", 7), priced("KO", 7)], in_turn=False)
        assert await tiers.due(2, later, 9) == ["T", "KO"], "all came in one answer: nobody's turn is over"

    async def test_activity_is_a_moving_mean(self, tiers: Any) -> None:
        await tiers.note([priced("KO", 0, 1000.0), priced("PEP", 0)])
        await tiers.note([priced("KO", 1, 2000.0)])
        await tiers.note([priced("KO", 2)])
        assert await tiers.activity() == {"KO": 1100.0}
