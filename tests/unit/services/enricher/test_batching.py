"""Questions in message batches: each is answered or asked again, whatever becomes of the batch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from decimal import Decimal

import pytest

from axiom.errors import Misconfigured, Transient
from axiom.llm.batches import BatchDesk
from axiom.llm.budget import BudgetExhausted, BudgetSettings
from axiom.llm.desk import Desk
from axiom.llm.memory import MemoryLedger
from axiom.llm.port import Answer, Batch, MaybeSubmitted
from axiom.llm.prices import PriceTable
from axiom.llm.scripted import Reply, ScriptedClaude
from axiom.resilience.clock import ManualClock
from services.enricher.batching import BatchQueue
from tests.questions import GOOD, Mood, question
from topics.llm_calls import LlmCall

pytestmark = pytest.mark.unit

POLL_S = 20.0


class Moody(ScriptedClaude):
    """Raises `doubt` in the place of the next submission."""

    doubt: Exception | None = None

    async def submit(self, requests: object) -> Batch:
        if self.doubt is not None:
            doubt, self.doubt = self.doubt, None
            raise doubt
        return await super().submit(requests)  # type: ignore[arg-type]


class Bench:
    """A queue of batches of two, with its clock and its provider in the test's hands."""

    def __init__(self, budget: BudgetSettings | None = None) -> None:
        self.clock = ManualClock()
        self.reply: Reply = GOOD
        self.claude = Moody(lambda request: self.reply, self.clock)
        self.ledger = MemoryLedger(self.clock)
        self.budget = budget or BudgetSettings()
        self.queue = self.another()

    def another(self) -> BatchQueue:
        """A queue of another process, on the same ledger."""
        prices = PriceTable.bundled()
        desk = Desk(self.ledger, self.claude, prices, self.budget, clock=self.clock)
        batches = BatchDesk(self.ledger, self.claude, prices, self.budget, {"event": Mood}, clock=self.clock)
        return BatchQueue(batches, desk, size=2, wait_s=30, poll_s=POLL_S, clock=self.clock)

    def ask(self, *names: str, queue: BatchQueue | None = None) -> list[asyncio.Task[LlmCall]]:
        queue = queue or self.queue
        return [asyncio.create_task(queue.ask(question(name, f"Text of {name}"))) for name in names]

    async def turn(self, after_s: float = POLL_S) -> None:
        await asyncio.sleep(0)
        self.clock.move(after_s)
        await self.queue.turn()
        await asyncio.sleep(0)

    def end(self) -> None:
        self.claude.ended = set(self.claude.submitted)


async def result_of(task: Awaitable[LlmCall]) -> LlmCall:
    return await asyncio.wait_for(task, 1)


async def test_two_go_at_once_and_one_after_a_while_each_with_its_own_answer() -> None:
    bench = Bench()
    tasks = bench.ask("a", "b")
    await bench.turn(0)
    assert [len(batch) for batch in bench.claude.submitted.values()] == [2]
    late = bench.ask("c")
    await bench.turn(1)
    assert len(bench.claude.submitted) == 1, "it waits for company"
    await bench.turn(30)
    bench.end()
    await bench.turn()
    answers = [await result_of(task) for task in (*tasks, *late)]
    assert [entry.event_id for entry in answers] == ["a", "b", "c"]
    assert {entry.outcome for entry in answers} == {"answered"}
    single = PriceTable.bundled().of("claude-haiku-5-5", bench.clock.now().date())
    assert all(Decimal(entry.cost_usd) < single.worst_case(question().request) for entry in answers)


async def test_an_answer_that_is_not_final_is_asked_for_again() -> None:
    bench = Bench()
    bench.reply = Answer("overloaded", charge="nothing", error="529 overloaded_error: later")
    tasks = bench.ask("a", "b")
    await bench.turn(0)
    bench.end()
    await bench.turn()
    for task in tasks:
        with pytest.raises(Transient, match="529"):
            await result_of(task)
    bench.reply = GOOD
    again = bench.ask("a", "b")
    await bench.turn(0)
    bench.end()
    await bench.turn()
    assert [(await result_of(task)).attempt for task in again] == [2, 2]


async def test_a_batch_that_was_never_made_is_sent_again() -> None:
    bench = Bench()
    bench.claude.doubt = MaybeSubmitted("the connection broke")
    tasks = bench.ask("a", "b")
    await bench.turn(0)
    assert bench.claude.submitted == {}
    await bench.turn(60)
    assert bench.claude.submitted == {}, "it may still arrive"
    await bench.turn(660)
    await bench.turn()
    bench.end()
    await bench.turn()
    assert [(await result_of(task)).outcome for task in tasks] == ["answered", "answered"]
    assert len(bench.claude.submitted) == 1


async def test_what_a_dead_process_sent_is_answered_to_the_next() -> None:
    bench = Bench()
    lost = bench.ask("a", "b")
    await bench.turn(0)
    bench.queue = bench.another()
    tasks = bench.ask("a", "b")
    await bench.turn(0)
    bench.end()
    await bench.turn()
    assert [(await result_of(task)).event_id for task in tasks] == ["a", "b"]
    assert len(bench.claude.submitted) == 1, "nothing is paid twice"
    for task in lost:
        task.cancel()


async def test_a_wrong_key_is_told_and_nobody_waits() -> None:
    bench = Bench()
    bench.claude.doubt = Misconfigured("Anthropic answers 401")
    for task in (tasks := bench.ask("a", "b")):
        assert not task.done()
    await bench.turn(0)
    for task in tasks:
        with pytest.raises(Misconfigured, match="401"):
            await result_of(task)


async def test_an_unknown_model_in_a_batch_is_of_settings() -> None:
    bench = Bench()
    bench.reply = Answer("rejected", charge="nothing", error="404 not_found_error: model: next")
    tasks = bench.ask("a", "b")
    await bench.turn(0)
    bench.end()
    await bench.turn()
    for task in tasks:
        with pytest.raises(Misconfigured, match="404"):
            await result_of(task)


async def test_at_the_cap_it_says_until_when() -> None:
    bench = Bench(BudgetSettings(daily_usd=Decimal(0)))
    tasks = bench.ask("a", "b")
    await bench.turn(0)
    for task in tasks:
        with pytest.raises(BudgetExhausted, match="daily cap"):
            await result_of(task)
    assert bench.claude.asked == []


async def test_what_finds_no_room_beside_calls_under_way_goes_later() -> None:
    worst = PriceTable.bundled().of("claude-haiku-5-5", ManualClock().now().date())
    one = worst.worst_case(question("a", "Text of a").request, batch=True)
    bench = Bench(BudgetSettings(daily_usd=one * Decimal("1.5")))
    tasks = bench.ask("a", "b")
    await bench.turn(0)
    assert [len(batch) for batch in bench.claude.submitted.values()] == [1]
    bench.end()
    await bench.turn()
    assert (await result_of(tasks[0])).outcome == "answered"
    await bench.turn()
    bench.end()
    await bench.turn()
    assert (await result_of(tasks[1])).outcome == "answered"
