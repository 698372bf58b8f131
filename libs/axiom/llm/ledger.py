"""The ledger of paid calls: who asks what, what it may cost and did cost, what was answered.

It is authoritative, in schema `control`. Each entry leaves through an outbox for the topic `llm-calls`, from
which a lost ledger is filled again (`refill.py`).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from axiom.errors import AxiomError, Fenced, Permanent, StoreDown
from axiom.llm.budget import BudgetExhausted, BudgetSettings, Cap, Spend, month_of, next_period
from axiom.llm.entries import MAX_ATTEMPTS, draft, is_final, reused
from axiom.llm.port import Question
from axiom.llm.prices import Price
from axiom.resilience.clock import Clock, SystemClock
from axiom.stores.control import ControlStore
from axiom.stores.postgres import Transaction
from axiom.stores.queries import named_queries
from topics.llm_calls import LlmCall

MIGRATIONS = Path(__file__).parent / "sql"
_SQL = named_queries(MIGRATIONS / "queries.sql")
_COLUMNS = (
    "input_hash", "attempt", "event_id", "task", "pipeline", "model", "outcome", "input_tokens",
    "cached_tokens", "cache_write_tokens", "output_tokens", "cost_usd", "started_at", "finished_at",
)  # fmt: skip


class Claimed(AxiomError):
    """Somebody else asks the same input, or about the same event, or has just been answered."""


class CapBusy(AxiomError):
    """Calls under way fill a cap; there may be room when they are settled."""


@dataclass(frozen=True)
class Reservation:
    """The right to make one call, its worst case set aside. `draft` is its entry if it is never settled."""

    reservation_id: int
    draft: LlmCall
    batch_id: str | None = None
    is_expired: bool = False


class Ledger(Protocol):
    """What the desks need. Each method is one transaction; all raise `StoreDown` while the store is away."""

    async def find(self, question: Question) -> LlmCall | None:
        """The final entry of the event's task, whatever its model; else of the same input, of which an
        entry of this event is then written at no cost; else None."""
        ...

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
        """Claim the question and set `worst_usd` aside, all or nothing. With any number of processes, settled
        and reserved together never exceed a cap.

        The reservation is given up `lifetime_s` from now, or when this process is gone; its worst case is
        then charged. One `for_batch` outlives the process: the batch desk settles it.

        Raises:
            Claimed: look the question up again, after a while.
            CapBusy: a cap is full of calls under way.
            BudgetExhausted: a cap is spent.
            Permanent: the input has failed too often.
        """
        ...

    async def settle(self, reservation: Reservation, entry: LlmCall) -> None:
        """Write the entry in place of the reservation. A repeat of the same is fine.

        Raises:
            Fenced: the reservation was given up meanwhile; its worst case has been charged.
        """
        ...

    async def release(self, reservation: Reservation) -> None:
        """Give the reservation back: its call was never made."""
        ...

    async def reap(self) -> list[LlmCall]:
        """Settle what processes that are gone have left, at its worst case; returns the entries."""
        ...

    async def spend(self) -> Spend:
        """Of the present day and month."""
        ...

    async def bind(self, reservations: Sequence[Reservation], batch_id: str) -> None:
        """Remember which batch carries these."""
        ...

    async def batched(self) -> list[Reservation]:
        """The reservations of message batches, whichever process made them."""
        ...


class PostgresLedger:
    """`Ledger` in schema `control`. `open` it first; use it in one event loop."""

    def __init__(self, control: ControlStore, clock: Clock | None = None) -> None:
        self._control = control
        self._clock = clock or SystemClock()
        self.owner = secrets.randbits(62)
        self._alive = control.session_lock(self.owner)

    async def open(self) -> None:
        """Say that this process lives, and settle what dead ones have left."""
        await self.stay_alive()
        await self.reap()

    async def close(self) -> None:
        """What is reserved from now on is taken for dead. Settle before."""
        await self._alive.release()

    async def stay_alive(self) -> None:
        """Hold the lock that says that this process lives; to be called now and then."""
        if not await self._alive.take():
            raise StoreDown("the lock of this process is still held by its former connection")

    async def find(self, question: Question) -> LlmCall | None:
        rows = await self._control.fetch(
            _SQL["of_question"], question.event_id, question.task, question.input_hash, question.again
        )
        if not rows:
            return None
        entry = _entry(rows[0])
        if (entry.event_id, entry.task) == (question.event_id, question.task):
            return entry
        return await self._reuse(entry, question)

    async def _reuse(self, entry: LlmCall, question: Question) -> LlmCall:
        async with self._control.transaction() as transaction:
            await transaction.fetch(_SQL["lock_input"], question.input_hash)
            rows = await transaction.fetch(
                _SQL["of_question"], question.event_id, question.task, None, question.again
            )
            if rows:
                return _entry(rows[0])
            [row] = await transaction.fetch(_SQL["next_attempt"], question.input_hash)
            own = reused(entry, question, _checked(row["attempt"], question), self._clock.now())
            await insert(transaction, [own], publish=True)
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
        await self.stay_alive()
        now = self._clock.now()
        begun = draft(question, 1, price, worst_usd, now)
        [row] = await self._control.fetch(
            _SQL["reserve"], question.input_hash, question.event_id, question.task, question.pipeline,
            question.request.model, question.again, worst_usd, None if for_batch else self.owner,
            lifetime_s, now, budget.daily_usd, budget.monthly_usd, begun.model_dump_json(exclude_none=True),
            MAX_ATTEMPTS,
        )  # fmt: skip
        if row["state"] in {"reserved", "exhausted"}:
            attempt = _checked(row["attempt"], question)
            return Reservation(row["id"], begun.model_copy(update={"attempt": attempt}))
        raise refusal(row["state"], bool(row["room_later"]), question, worst_usd, budget, now)

    async def settle(self, reservation: Reservation, entry: LlmCall) -> None:
        if await self._settled(reservation.reservation_id, entry):
            return
        rows = await self._control.fetch(_SQL["entry"], entry.input_hash, entry.attempt)
        if not rows or _entry(rows[0]) != entry:
            raise Fenced(
                f"the call {entry.input_hash}:{entry.attempt} was given up, and charged at its worst case"
            )

    async def _settled(self, reservation_id: int, entry: LlmCall) -> bool:
        [row] = await self._control.fetch(_SQL["settle"], reservation_id, _rows([entry]))
        return bool(row["settled"])

    async def release(self, reservation: Reservation) -> None:
        await self._control.fetch(_SQL["release"], reservation.reservation_id)

    async def reap(self) -> list[LlmCall]:
        reaped = []
        for row in await self._control.fetch(_SQL["orphans"], self.owner):
            begun = _draft(row)
            entry = begun.model_copy(update={"finished_at": max(self._clock.now(), begun.started_at)})
            if await self._settled(row["id"], entry):  # else its owner, or another reaper, was first
                reaped.append(entry)
        return reaped

    async def spend(self) -> Spend:
        now = self._clock.now()
        rows = {row["period"]: row for row in await self._control.fetch(_SQL["spend"], now)}
        zero = {"settled_usd": Decimal(0), "reserved_usd": Decimal(0)}
        month = rows.pop(month_of(now), zero)
        [day] = rows.values() or [zero]
        return Spend(day["settled_usd"], day["reserved_usd"], month["settled_usd"], month["reserved_usd"])

    async def bind(self, reservations: Sequence[Reservation], batch_id: str) -> None:
        await self._control.execute(
            _SQL["keep_batch"], [reservation.reservation_id for reservation in reservations], batch_id
        )

    async def batched(self) -> list[Reservation]:
        return [
            Reservation(row["id"], _draft(row), row["batch_id"], row["is_expired"])
            for row in await self._control.fetch(_SQL["batched"])
        ]


async def insert(transaction: Transaction, entries: Sequence[LlmCall], *, publish: bool) -> int:
    """Write entries that are not there yet and charge them to their periods; returns how many were not.

    `publish` puts those into the outbox.
    """
    ordered = sorted(entries, key=lambda entry: (entry.input_hash, entry.attempt))
    [row] = await transaction.fetch(_SQL["enter"], _rows(ordered), publish)
    count: int = row["entered"]
    return count


def refusal(
    state: str,
    room_later: bool,
    question: Question,
    worst_usd: Decimal,
    budget: BudgetSettings,
    now: datetime,
) -> AxiomError:
    """The error for a reservation that was not made."""
    cap: Cap
    match state:
        case "claimed":
            return Claimed(f"{question.task} of {question.event_id} is being asked")
        case "monthly":
            cap, limit = "monthly", budget.monthly_usd
        case _:
            cap, limit = "daily", budget.daily_usd
    if room_later:
        return CapBusy(f"calls under way fill the {cap} cap of ${limit}")
    until = next_period(cap, now)
    message = (
        f"the {cap} cap of ${limit} (AXIOM_BUDGET_{cap.upper()}_USD) has no room for a call of up to "
        f"${worst_usd:f}; calls go on at {until:%Y-%m-%d %H:%M} UTC"
    )
    return BudgetExhausted(cap, message, now, until)


def _checked(attempt: int, question: Question) -> int:
    if attempt > MAX_ATTEMPTS:
        raise Permanent(
            f"{question.task} of {question.event_id}: {MAX_ATTEMPTS} attempts have not ended well"
        )
    return attempt


def _entry(row: Any) -> LlmCall:
    return LlmCall.model_validate_json(row["record"])


def _draft(row: Any) -> LlmCall:
    """The attempt's number is the reservation's: it was not known when the draft was written."""
    return LlmCall.model_validate_json(row["draft"]).model_copy(update={"attempt": row["attempt"]})


def _rows(entries: Sequence[LlmCall]) -> str:
    """Rows of `llm_calls`, in JSON: its columns and no others."""
    rows = [
        {**{name: getattr(entry, name) for name in _COLUMNS}, "is_final": is_final(entry),
         "record": entry.model_dump_json(exclude_none=True)}
        for entry in entries
    ]  # fmt: skip
    return json.dumps(rows, default=str)
