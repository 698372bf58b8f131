"""What every keeper of companies' turns must do. A subclass gives `visits`, which is empty."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.fundamentals_producer.company_graph.visits import Verdict, Visit, Visits, Written

NOW = datetime(2026, 11, 23, 15, 10, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
AAPL, MSFT = Written("AAPL:1", 0, 7), Written("MSFT:1", 5, 1)


class VisitsSuite:
    """Tests of `Visits`."""

    async def test_what_was_written_waits_and_what_nobody_knows_does_not(self, visits: Visits) -> None:
        await visits.note({"MSFT": MSFT, "AAPL": AAPL}, ["ZZZ"], [3, 0], NOW)
        assert await visits.turns() == dict.fromkeys(("AAPL", "MSFT", "ZZZ"), NOW)
        assert await visits.waiting() == [
            Visit("AAPL", NOW, AAPL, (3, 0)),
            Visit("MSFT", NOW, MSFT, (3, 0)),
        ]

    async def test_what_was_checked_waits_no_more(self, visits: Visits) -> None:
        await visits.note({"MSFT": MSFT, "AAPL": AAPL}, [], [0], NOW)
        first, _ = await visits.waiting()
        await visits.checked([Verdict(first, 4, 0)], LATER)
        assert [one.symbol for one in await visits.waiting()] == ["MSFT"]
        assert (await visits.turns())["AAPL"] == NOW

    async def test_a_newer_turn_takes_the_place_of_an_older_one(self, visits: Visits) -> None:
        await visits.note({"AAPL": AAPL}, [], [0], NOW)
        [old] = await visits.waiting()
        newer = Written("AAPL:2", 0, 9)
        await visits.note({"AAPL": newer}, [], [2], LATER)
        await visits.checked([Verdict(old, 4, 0)], LATER)
        assert await visits.waiting() == [Visit("AAPL", LATER, newer, (2,))]
        await visits.note({}, ["AAPL"], [2], LATER)
        assert await visits.waiting() == []

    async def test_nothing_is_fine_too(self, visits: Visits) -> None:
        await visits.note({}, [], [], NOW)
        await visits.checked([], NOW)
        assert await visits.waiting() == []
        assert await visits.turns() == {}
