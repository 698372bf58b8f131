"""What both twins of Claude must do. A subclass gives `claude`, and says how it is made to answer."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest

from axiom.llm.port import Answer, Batch
from tests.questions import GOOD, Mood, request


class Scripted(Protocol):
    """A client, and a way to say what it meets next."""

    async def ask(self, request: Any) -> Answer: ...
    async def submit(self, requests: Any) -> Batch: ...
    async def batches(self, since: datetime) -> list[Batch]: ...
    def results(self, batch_id: str, responses: Any) -> Any: ...


class World(Protocol):
    """What a suite's subclass provides."""

    claude: Scripted

    def will(self, what: str) -> None:
        """Answer so from now on: good, refusal, truncated, malformed, out-of-range, 400 to 529, cut."""

    def end_batches(self) -> None:
        """Every batch has ended."""


@pytest.mark.filterwarnings("error")
class ClaudeSuite:
    """Tests of `axiom.llm.port.Claude` and `BatchClient`."""

    async def test_an_answer_that_fits(self, world: World) -> None:
        world.will("good")
        answer = await world.claude.ask(request())
        assert (answer.outcome, answer.parsed, answer.charge) == ("answered", GOOD, "usage")
        assert answer.text is not None
        assert answer.usage.input_tokens > 0
        assert answer.usage.output_tokens > 0
        assert answer.latency_ms >= 0

    @pytest.mark.parametrize(
        ("what", "outcome", "charge"),
        [
            ("refusal", "refused", "usage"),
            ("truncated", "truncated", "usage"),
            ("malformed", "invalid", "usage"),
            ("out-of-range", "invalid", "usage"),
            ("400", "rejected", "nothing"),
            ("429", "rate-limited", "nothing"),
            ("529", "overloaded", "nothing"),
            ("500", "server-error", "nothing"),
            ("cut", "server-error", "unknown"),
        ],
    )
    async def test_what_goes_wrong_is_an_answer(
        self, world: World, what: str, outcome: str, charge: str
    ) -> None:
        world.will(what)
        answer = await world.claude.ask(request())
        assert (answer.outcome, answer.charge, answer.parsed) == (outcome, charge, None)
        assert answer.error

    async def test_the_providers_wish_to_wait_is_told(self, world: World) -> None:
        world.will("429")
        assert (await world.claude.ask(request())).retry_after_s == 7.0

    async def test_many_at_once(self, world: World) -> None:
        world.will("good")
        answers = await asyncio.gather(*(world.claude.ask(request(f"headline {n}")) for n in range(20)))
        assert {answer.outcome for answer in answers} == {"answered"}

    async def test_a_batch(self, world: World) -> None:
        world.will("good")
        since = datetime.now(UTC) - timedelta(minutes=1)
        batch = await world.claude.submit([("a-1", request("one")), ("b_2", request("two"))])
        assert [one.batch_id for one in await world.claude.batches(since)] == [batch.batch_id]
        assert await world.claude.batches(datetime.now(UTC) + timedelta(minutes=1)) == []
        world.end_batches()
        [ended] = await world.claude.batches(since)
        assert ended.has_ended
        found = {name: answer async for name, answer in world.claude.results(batch.batch_id, {"a-1": Mood})}
        assert set(found) == {"a-1"}
        assert (found["a-1"].parsed, found["a-1"].batch_id) == (GOOD, batch.batch_id)
