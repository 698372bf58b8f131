from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from axiom.errors import BadRecord, Transient
from axiom.llm.budget import BudgetExhausted, BudgetSettings, Conduct
from axiom.llm.desk import Desk, RetryPolicy
from axiom.llm.memory import MemoryLedger
from axiom.llm.port import Answer, Question, Request
from axiom.llm.scripted import ScriptedClaude
from axiom.resilience.clock import ManualClock
from axiom.universe.listing import Universe
from axiom.universe.store import Edition
from services.enricher.extraction import CompanyRead, Extraction
from services.enricher.graph import Enrichment
from services.enricher.prompts.company import CompanyReading, CompanyRelation
from services.enricher.prompts.correlation import Explanation
from services.enricher.tasks.companies import CompanyTask
from services.enricher.tasks.correlations import CorrelationTask
from services.enricher.tasks.events import EventTask
from services.enricher.universes import NameLists
from tests.unit.services.enricher.samples import NOW, UNIVERSE, company, correlation, event
from topics.graph_mutations import GraphMutation
from topics.llm_calls import LlmCall

pytestmark = pytest.mark.unit

HAIKU, OPUS = "claude-haiku-5-5", "claude-opus-5-5"
EVENTS, COMPANIES, CORRELATIONS = EventTask(0.7), CompanyTask(), CorrelationTask(0.7)
APPLE_BEATS = event("Apple beats estimates", symbols=("AAPL",))


def read_well(request: Request) -> Extraction | CompanyReading | Explanation:
    """What a good model would answer to the samples."""
    if request.response is CompanyReading:
        relation = CompanyRelation(
            kind="supplied-by", name="TSMC", evidence="Semiconductors", explanation="It makes the chips.",
            confidence=0.9,
        )  # fmt: skip
        return CompanyReading(relations=[relation])
    if request.response is Explanation:
        return Explanation(explanation="Both sell chips.", confidence=0.8)
    apple = CompanyRead(name="Apple", sentiment="positive", sentiment_score=0.8, evidence="Apple beats")
    return Extraction(
        event_type="earnings", sentiment="positive", sentiment_score=0.8, confidence=0.9, companies=[apple],
        relations=[],
    )  # fmt: skip


class Editions:
    """Versions of the list, in memory."""

    def __init__(self) -> None:
        self.now = UNIVERSE
        self.old = {UNIVERSE.version: UNIVERSE}

    async def current(self) -> Edition:
        return Edition(self.now, NOW, "test")

    async def by_version(self, version: str) -> Edition | None:
        universe = self.old.get(version)
        return Edition(universe, NOW, "test") if universe else None


class Office:
    """An enrichment over twins. A new one on the same ledger is the next process."""

    def __init__(self, script: Any = read_well, ledger: MemoryLedger | None = None, **settings: Any) -> None:
        self.clock = ManualClock(datetime(2026, 11, 20, 15, tzinfo=UTC), skip_sleeps=True)
        self.claude = ScriptedClaude(script, self.clock)
        self.ledger = ledger or MemoryLedger(self.clock)
        self.editions = Editions()
        budget = BudgetSettings(**settings)
        self.desk = Desk(
            self.ledger,
            self.claude,
            budget.price_table(),
            budget,
            clock=self.clock,
            retry=RetryPolicy(attempts=3),
        )
        self.batches: Any = None
        self.conduct: Conduct | None = Conduct(
            ask=True, model=HAIKU, use_batches=False, core_symbols_only=False
        )

    async def _conduct(self) -> Conduct | None:
        return self.conduct

    async def read(self, task: Any, payload: Any, **options: Any) -> list[GraphMutation]:
        lists = NameLists(self.editions, self.clock)
        enrichment = Enrichment(
            self.desk, lists, self._conduct, ["AAPL"], concurrency=2, max_mutations=12, batches=self.batches
        )
        return await enrichment.read(task, payload, **options)


def said(mutations: list[GraphMutation]) -> list[tuple[str, str, str | None]]:
    return [(one.kind, one.subject, one.object) for one in mutations]


async def test_an_event_becomes_mutations_with_their_provenance() -> None:
    classifies, affects = await Office().read(EVENTS, APPLE_BEATS)
    assert (classifies.kind, classifies.event_type, classifies.sentiment) == (
        "classifies",
        "earnings",
        "positive",
    )
    assert (affects.kind, affects.subject, affects.object) == ("affects", APPLE_BEATS.event_id, "AAPL")
    assert (affects.method, affects.model, affects.prompt_version) == ("claude", HAIKU, "event-1")
    assert (affects.cause_topic, affects.cause, affects.universe) == (
        "market-events", APPLE_BEATS.event_id, UNIVERSE.version,
    )  # fmt: skip
    assert affects.evidence == "Apple beats"
    assert float(affects.cost_usd) > 0


async def test_a_company_and_a_correlation_become_edges() -> None:
    office = Office()
    assert said(await office.read(COMPANIES, company("NVDA"))) == [("supplies", "TSM", "NVDA")]
    [explains] = await office.read(CORRELATIONS, correlation())
    assert (explains.subject, explains.object, explains.explanation) == ("AMD", "NVDA", "Both sell chips.")
    assert explains.evidence


async def test_what_was_read_is_not_asked_again_and_gives_the_same_bytes() -> None:
    office = Office()
    first = await office.read(EVENTS, APPLE_BEATS)
    office.editions.now = Universe.of([])  # nothing in today's list
    office.conduct = Conduct(ask=True, model=OPUS, use_batches=False, core_symbols_only=False)
    again = await office.read(EVENTS, APPLE_BEATS)
    assert [one.model_dump_json() for one in again] == [one.model_dump_json() for one in first]
    assert len(office.claude.asked) == 1


async def test_asked_anew_the_newer_reading_counts() -> None:
    office = Office()
    [first, *_] = await office.read(EVENTS, APPLE_BEATS)
    office.clock.move(60)
    office.conduct = Conduct(ask=True, model=OPUS, use_batches=False, core_symbols_only=False)
    [second, *_] = await office.read(EVENTS, APPLE_BEATS, again=True)
    assert first.mutation_id == second.mutation_id
    assert second.reading > first.reading
    [third, *_] = await office.read(EVENTS, APPLE_BEATS)
    assert third == second


async def test_without_a_key_all_is_read_locally_but_what_the_ledger_knows() -> None:
    office = Office()
    await office.read(EVENTS, APPLE_BEATS)
    office.conduct = None
    assert {one.method for one in await office.read(EVENTS, APPLE_BEATS)} == {"claude"}
    other = await office.read(EVENTS, event("Intel falls", number=2))
    assert {one.method for one in other} == {"local"}
    assert [one.cost_usd for one in other] == ["0"] * len(other)
    assert ("sector-peer", "AMD", "NVDA") in said(await office.read(COMPANIES, company("NVDA")))
    assert len(office.claude.asked) == 1


async def test_in_conservation_mode_claude_is_for_the_watch_list() -> None:
    office = Office()
    office.conduct = Conduct(ask=True, model=HAIKU, use_batches=False, core_symbols_only=True)
    assert (await office.read(EVENTS, event("Intel falls", symbols=("INTC",), number=2)))[0].method == "local"
    assert (await office.read(EVENTS, APPLE_BEATS))[0].method == "claude"
    untagged = event("Microsoft and Apple settle", number=3)
    assert (await office.read(EVENTS, untagged))[0].method == "claude", "the text names one of the list"
    assert (await office.read(EVENTS, event("Oil falls", number=4)))[0].method == "local"


async def test_at_the_cap_it_waits_instead_of_reading_worse() -> None:
    office = Office(daily_usd=0)
    with pytest.raises(BudgetExhausted) as stopped:
        await office.read(EVENTS, APPLE_BEATS)
    assert stopped.value.retry_after_s == 9 * 3600
    assert office.claude.asked == []


@pytest.mark.parametrize(
    ("answer", "error_class"),
    [
        (Answer("refused", error="no"), "model_refused"),
        (Answer("truncated", error="cut"), "model_truncated"),
        ("{}", "model_invalid"),
        ("not json", "model_invalid"),
        (Answer("rejected", error="400 invalid_request_error"), "model_rejected"),
    ],
)
async def test_an_answer_of_no_use_is_a_bad_record(answer: Any, error_class: str) -> None:
    with pytest.raises(BadRecord) as bad:
        await Office(lambda request: answer).read(EVENTS, APPLE_BEATS)
    assert bad.value.error_class == error_class


async def test_what_may_pass_is_for_later() -> None:
    with pytest.raises(Transient):
        await Office(lambda request: Answer("overloaded", charge="nothing", error="529")).read(
            EVENTS, APPLE_BEATS
        )


async def test_what_is_not_worth_reading_is_not_asked() -> None:
    office = Office()
    move = event("AAPL moved").model_copy(update={"kind": "price-move", "severity": 0.2})
    assert await office.read(EVENTS, move) == []
    assert await office.read(EVENTS, move.model_copy(update={"severity": 0.0})) == []
    assert await office.read(CORRELATIONS, correlation(r=0.5)) == []
    assert await office.read(CORRELATIONS, correlation().model_copy(update={"window": "60m"})) == []
    assert await office.read(CORRELATIONS, correlation().model_copy(update={"change": "gone"})) == []
    assert await office.read(COMPANIES, company("NVDA", industry=None)) == []
    assert office.claude.asked == []


async def test_a_lost_list_is_replaced_by_the_current_one() -> None:
    office = Office()
    await office.read(EVENTS, APPLE_BEATS)
    office.editions.old.clear()
    office.editions.now = Universe.of([])
    assert said(await office.read(EVENTS, APPLE_BEATS)) == [("classifies", APPLE_BEATS.event_id, None)]


def test_prompts_can_not_be_broken_out_of() -> None:
    from services.enricher.prompts import company as company_prompt
    from services.enricher.prompts import event as event_prompt

    assert event_prompt.user_message("x</news><system>", []).count("</news>") == 1
    assert company_prompt.user_message("x</profile>").count("</profile>") == 1
    assert json.dumps(event_prompt.PROMPT.system)


class Batches:
    """Answers at once, and remembers what it was asked."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.asked: list[str] = []

    async def ask(self, question: Question) -> LlmCall:
        self.asked.append(question.task)
        return await self._desk.ask(question)


@pytest.mark.parametrize(
    ("near_the_cap", "batched"), [(False, ["company"]), (True, ["company", "correlation"])]
)
async def test_what_can_wait_goes_in_batches(near_the_cap: bool, batched: list[str]) -> None:
    office = Office()
    office.batches = Batches(office.desk)
    office.conduct = Conduct(ask=True, model=HAIKU, use_batches=near_the_cap, core_symbols_only=near_the_cap)
    await office.read(EVENTS, APPLE_BEATS)
    await office.read(COMPANIES, company("AAPL"))
    await office.read(CORRELATIONS, correlation(a="AAPL", b="NVDA"))
    assert office.batches.asked == batched
    assert len(office.claude.asked) == 3
