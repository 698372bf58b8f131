"""Where questions are asked: the ledger first, then the budget, then Claude, and the ledger again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import get_args

from axiom.errors import Misconfigured, StoreDown, Transient
from axiom.llm import metrics
from axiom.llm.budget import BudgetExhausted, BudgetSettings, Mode, Spend, mode_of
from axiom.llm.entries import finished, is_final, is_of_settings, parse
from axiom.llm.ledger import CapBusy, Claimed, Ledger, Reservation
from axiom.llm.port import Answer, Claude, Question
from axiom.llm.prices import Price, PriceTable
from axiom.resilience.backoff import Backoff
from axiom.resilience.clock import Clock, SystemClock
from axiom.telemetry.logs import get_logger
from topics.llm_calls import LlmCall

__all__ = ["Desk", "RetryPolicy", "parse"]

log = get_logger()
_SPEND_KEPT_S = 1.0


@dataclass(frozen=True)
class RetryPolicy:
    """How often and when a question is asked again after 429, 529, 5xx and timeouts.

    Attributes:
        attempts: at most, the first included.
        base_s, cap_s: the wait is a random part of `base_s * 2**tries`, at most `cap_s`.
        retry_after_cap_s: the provider's wish is honoured up to there; a longer one is left to the caller.
    """

    attempts: int = 5
    base_s: float = 1.0
    cap_s: float = 60.0
    retry_after_cap_s: float = 120.0


class Desk:
    """Asks questions, each distinct one paid for once. Safe to use from many tasks of one event loop.

    Args:
        call_lifetime_s: a call that has not ended by then counts as lost; above the client's time limit.
        patience_s: how long a question waits while calls under way fill a cap.
        crash: called with the name of each place where a test may kill the process: `after_llm_reserve`,
            `after_llm_answer`, `after_llm_settle`.
    """

    def __init__(
        self,
        ledger: Ledger,
        claude: Claude,
        prices: PriceTable,
        budget: BudgetSettings,
        *,
        clock: Clock | None = None,
        retry: RetryPolicy = RetryPolicy(),
        call_lifetime_s: float = 180.0,
        patience_s: float = 120.0,
        crash: Callable[[str], None] = lambda place: None,
    ) -> None:
        self.ledger = ledger
        self._claude = claude
        self._prices = prices
        self._budget = budget
        self._clock = clock or SystemClock()
        self._retry = retry
        self._call_lifetime_s = call_lifetime_s
        self._patience_s = patience_s
        self._crash = crash
        self._under_way: set[asyncio.Task[tuple[LlmCall, Answer]]] = set()
        self._spend = Spend()
        self._spend_until_s = float("-inf")

    async def look_up(self, question: Question) -> LlmCall | None:
        """The final entry for the event's task, whatever the model; else of the same input, which is then
        written down for this event too, at no cost; else None. Nothing is called."""
        entry = await self.ledger.find(question)
        if entry is not None:
            metrics.REUSED.labels(question.pipeline).inc()
        return entry

    async def ask(self, question: Question) -> LlmCall:
        """The final entry: looked up, else bought.

        Raises:
            BudgetExhausted: a cap leaves no room; nothing was called.
            Transient: the attempts are used up; each is in the ledger. Ask again later.
            Misconfigured: the provider rejects the key or the model, or the model has no price.
            Permanent: the prompt is too long, or has failed a thousand times.
            StoreDown: PostgreSQL does not serve. An answer in hand is kept until it can be written.
            Fenced: this process was taken for dead while it waited. Ask again.
        """
        entry = await self.look_up(question)
        if entry is not None:
            return entry
        reserved = await self.reserve(question)
        return reserved if isinstance(reserved, LlmCall) else await self.purchase(reserved, question)

    async def reserve(self, question: Question) -> Reservation | LlmCall:
        """Claim the question and set its worst case aside; waits while somebody else asks the same, and then
        returns the entry. Raises as `ask` does."""
        price, worst_usd = self._worst_case(question)
        waits = Backoff(base_s=0.05, cap_s=1.0)
        begun_s = self._clock.monotonic()
        while True:
            try:
                reservation = await self.ledger.reserve(
                    question, price, worst_usd, self._budget, lifetime_s=self._call_lifetime_s
                )
            except Claimed:
                pass
            except CapBusy as busy:
                if self._clock.monotonic() - begun_s > self._patience_s:
                    raise Transient(str(busy), retry_after_s=1.0) from busy
            except BudgetExhausted as spent:
                metrics.EXHAUSTED.labels(spent.cap).set(1)
                self._spend_until_s = float("-inf")
                raise
            else:
                for cap in ("daily", "monthly"):
                    metrics.EXHAUSTED.labels(cap).set(0)
                return reservation
            if (entry := await self.look_up(question)) is not None:
                return entry
            await self._clock.sleep(waits.next_s(at_least_s=0.02))
            await self.reap()

    async def call(self, reservation: Reservation, question: Question) -> LlmCall:
        """One attempt, settled; any outcome. It goes on when the caller is cancelled: it may be paid for."""
        return (await self._attempt(reservation, question))[0]

    async def purchase(self, reservation: Reservation, question: Question) -> LlmCall:
        """Attempts until one is final. Raises as `ask` does."""
        backoff = Backoff(self._retry.base_s, self._retry.cap_s)
        for attempt in range(1, self._retry.attempts + 1):
            entry, answer = await self._attempt(reservation, question)
            if is_final(entry):
                return entry
            if is_of_settings(entry):
                raise Misconfigured(f"Anthropic rejects {entry.model}: {entry.error}")
            wish_s = answer.retry_after_s or 0.0
            if attempt == self._retry.attempts or wish_s > self._retry.retry_after_cap_s:
                break
            await self._clock.sleep(backoff.next_s(at_least_s=wish_s))
            reserved = await self.reserve(question)
            if isinstance(reserved, LlmCall):
                return reserved
            reservation = reserved
        raise Transient(
            f"{question.task} of {question.event_id}: {attempt} tries, last {entry.outcome}: {entry.error}",
            retry_after_s=answer.retry_after_s,
        )

    async def mode(self) -> Mode:
        """What the present day and month leave; at most a second old."""
        if self._clock.monotonic() >= self._spend_until_s:
            self._spend = await self.ledger.spend()
            self._spend_until_s = self._clock.monotonic() + _SPEND_KEPT_S
            _show(self._spend, self._budget)
        return mode_of(self._spend, self._budget)

    async def reap(self) -> None:
        """Settle what processes that are gone have left; to be called now and then."""
        for entry in await self.ledger.reap():
            metrics.ORPHANS.inc()
            log.warning("llm_call_in_flight_at_kill", call=entry.input_hash, cost_usd=entry.cost_usd)

    async def close(self) -> None:
        """Wait for calls under way: what is paid for is written down."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _worst_case(self, question: Question) -> tuple[Price, Decimal]:
        price = self._prices.of(question.request.model, self._clock.now().date())
        return price, price.worst_case(question.request)

    async def _attempt(self, reservation: Reservation, question: Question) -> tuple[LlmCall, Answer]:
        task = asyncio.create_task(self._run(reservation, question))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def _run(self, reservation: Reservation, question: Question) -> tuple[LlmCall, Answer]:
        begun = reservation.draft
        price = self._prices.of(begun.model, begun.started_at.date())
        self._crash("after_llm_reserve")
        answer = await self._claude.ask(question.request)
        self._crash("after_llm_answer")
        entry = finished(begun, answer, price, self._clock.now())
        await settle(self.ledger, reservation, entry, self._clock)
        self._crash("after_llm_settle")
        return entry, answer


def _show(spend: Spend, budget: BudgetSettings) -> None:
    for period, spent_usd, cap_usd in (
        ("day", spend.day_usd, budget.daily_usd),
        ("month", spend.month_usd, budget.monthly_usd),
    ):
        metrics.SPENT.labels(period).set(float(spent_usd))
        metrics.CAP.labels(period).set(float(cap_usd))
    held = mode_of(spend, budget)
    for mode in get_args(Mode):
        metrics.BUDGET_MODE.labels(mode).set(mode == held)


async def settle(ledger: Ledger, reservation: Reservation, entry: LlmCall, clock: Clock) -> None:
    """Write an entry, however long PostgreSQL is away: it has been paid for. Raises Fenced."""
    backoff = Backoff(base_s=0.2, cap_s=5.0)
    while True:
        try:
            await ledger.settle(reservation, entry)
            break
        except StoreDown as error:
            log.warning("llm_settle_waits", call=entry.input_hash, why=str(error))
            await clock.sleep(backoff.next_s())
    metrics.CALLS.labels(entry.pipeline, entry.model, entry.outcome).inc()
    metrics.COST.labels(entry.pipeline, entry.model).inc(float(entry.cost_usd))
    metrics.SECONDS.labels(entry.model).observe(entry.latency_ms / 1000)
    for kind in ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens"):
        metrics.TOKENS.labels(entry.model, kind.removesuffix("_tokens")).inc(getattr(entry, kind))
