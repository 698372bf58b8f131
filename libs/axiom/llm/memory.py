"""The in-memory twin of the ledger, for tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from axiom.errors import Fenced, Permanent
from axiom.llm.budget import BudgetSettings, Spend, day_of, month_of
from axiom.llm.entries import MAX_ATTEMPTS, draft, is_final, reused
from axiom.llm.ledger import Reservation, refusal
from axiom.llm.port import Question
from axiom.llm.prices import Price
from axiom.resilience.clock import Clock, SystemClock
from topics.llm_calls import LlmCall


class MemoryLedger:
    """`Ledger` in this process. One made with `shares` sees the same books, as another process would.

    Attributes:
        entries: what was written, in order.
        open: reservations by id, with the name of who made them (None: for a batch) and when they expire.
    """

    def __init__(
        self, clock: Clock | None = None, *, shares: MemoryLedger | None = None, owner: str = "one"
    ) -> None:
        self._clock = clock or SystemClock()
        self.owner = owner
        self.entries: list[LlmCall] = shares.entries if shares else []
        self.open: dict[int, tuple[Reservation, str | None, float]] = shares.open if shares else {}
        self.dead: set[str] = shares.dead if shares else set()
        self._ids: Counter[str] = shares._ids if shares else Counter()

    async def find(self, question: Question) -> LlmCall | None:
        final = [entry for entry in self.entries if is_final(entry)]
        of_event = [
            entry for entry in final if (entry.event_id, entry.task) == (question.event_id, question.task)
        ]
        if of_event and not question.again:
            return max(of_event, key=lambda entry: (entry.outcome == "answered", entry.finished_at))
        of_input = [entry for entry in final if entry.input_hash == question.input_hash]
        if not of_input:
            return None
        entry = min(of_input, key=lambda entry: (entry.outcome != "answered", entry.attempt))
        if (entry.event_id, entry.task) == (question.event_id, question.task):
            return entry
        own = reused(entry, question, self._attempt(question), self._clock.now())
        self.entries.append(own)
        return own

    async def reserve(
        self,
        question: Question,
        price: Price,
        worst_usd: Decimal,
        budget: BudgetSettings,
        *,
        lifetime_s: float,
        for_batch: bool = False,
    ) -> Reservation:
        now = self._clock.now()
        spend = await self.spend()
        state = "reserved"
        if self._is_claimed(question):
            state = "claimed"
        elif spend.month_usd + worst_usd > budget.monthly_usd:
            state = "monthly"
        elif spend.day_usd + worst_usd > budget.daily_usd:
            state = "daily"
        if state != "reserved":
            room_later = (
                spend.month_settled_usd + worst_usd <= budget.monthly_usd
                and spend.day_settled_usd + worst_usd <= budget.daily_usd
            )
            raise refusal(state, room_later, question, worst_usd, budget, now)
        self._ids["reservation"] += 1
        begun = draft(question, self._attempt(question), price, worst_usd, now)
        reservation = Reservation(self._ids["reservation"], begun)
        expiry = self._clock.monotonic() + lifetime_s
        self.open[reservation.reservation_id] = (reservation, None if for_batch else self.owner, expiry)
        return reservation

    async def settle(self, reservation: Reservation, entry: LlmCall) -> None:
        if self.open.pop(reservation.reservation_id, None) is not None:
            self.entries.append(entry)
        elif entry not in self.entries:
            raise Fenced(f"the call {entry.input_hash}:{entry.attempt} was taken for dead")

    async def release(self, reservation: Reservation) -> None:
        self.open.pop(reservation.reservation_id, None)

    async def reap(self) -> list[LlmCall]:
        orphans = [
            reservation
            for reservation, owner, expiry in self.open.values()
            if owner is not None and (owner in self.dead or expiry < self._clock.monotonic())
        ]
        for reservation in orphans:
            await self.settle(reservation, reservation.draft)
        return [reservation.draft for reservation in orphans]

    async def spend(self) -> Spend:
        now = self._clock.now()
        drafts = [reservation.draft for reservation, _, _ in self.open.values()]

        def total(entries: Sequence[LlmCall], *, of_day: bool) -> Decimal:
            period = day_of if of_day else month_of
            wanted = (entry for entry in entries if period(entry.started_at) == period(now))
            return sum((Decimal(entry.cost_usd) for entry in wanted), Decimal(0))

        return Spend(
            total(self.entries, of_day=True),
            total(drafts, of_day=True),
            total(self.entries, of_day=False),
            total(drafts, of_day=False),
        )

    async def bind(self, reservations: Sequence[Reservation], batch_id: str) -> None:
        for reservation in reservations:
            held, owner, expiry = self.open[reservation.reservation_id]
            self.open[held.reservation_id] = (
                Reservation(held.reservation_id, held.draft, batch_id),
                owner,
                expiry,
            )

    async def batched(self) -> list[Reservation]:
        now = self._clock.monotonic()
        return [
            Reservation(held.reservation_id, held.draft, held.batch_id, expiry < now)
            for held, owner, expiry in self.open.values()
            if owner is None
        ]

    def _is_claimed(self, question: Question) -> bool:
        event = (question.event_id, question.task)
        drafts = [reservation.draft for reservation, _, _ in self.open.values()]
        asked = any(
            one.input_hash == question.input_hash or (one.event_id, one.task) == event for one in drafts
        )
        return asked or any(
            is_final(entry)
            and (
                entry.input_hash == question.input_hash
                or (not question.again and (entry.event_id, entry.task) == event)
            )
            for entry in self.entries
        )

    def _attempt(self, question: Question) -> int:
        used = [entry.attempt for entry in self.entries if entry.input_hash == question.input_hash]
        attempt = max(used, default=0) + 1
        if attempt > MAX_ATTEMPTS:
            raise Permanent(f"{question.task} of {question.event_id}: too many attempts")
        return attempt
