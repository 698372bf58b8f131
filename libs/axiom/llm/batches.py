"""Questions that can wait: message batches, at half the price, answered within a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import BaseModel

from axiom.errors import AxiomError, Fenced, StoreDown
from axiom.llm.budget import BudgetExhausted, BudgetSettings
from axiom.llm.desk import settle
from axiom.llm.entries import finished
from axiom.llm.ledger import CapBusy, Claimed, Ledger, Reservation
from axiom.llm.port import Answer, Batch, BatchClient, MaybeSubmitted, Question
from axiom.llm.prices import PriceTable
from axiom.resilience.clock import Clock, SystemClock
from axiom.telemetry.logs import get_logger
from topics.llm_calls import LlmCall

log = get_logger()
_LIFETIME_S = 26 * 3600.0  # a batch ends within 24 hours
_GRACE = timedelta(minutes=10)  # a request that was under way at a kill has arrived by then, or never will
_SKEW = timedelta(minutes=5)


@dataclass
class Submitted:
    """What became of questions: in the batch, answered by the ledger before, or left for later."""

    batch_id: str | None = None
    in_batch: list[Question] = field(default_factory=list)
    already: list[LlmCall] = field(default_factory=list)
    left: list[Question] = field(default_factory=list)
    refusal: BudgetExhausted | None = None


class BatchDesk:
    """Hands in batches and fetches their results, its own and those of processes that are gone.

    Args:
        responses: the response model of each task, for results whose questions are not at hand any more.
    """

    def __init__(
        self,
        ledger: Ledger,
        client: BatchClient,
        prices: PriceTable,
        budget: BudgetSettings,
        responses: Mapping[str, type[BaseModel]],
        *,
        clock: Clock | None = None,
    ) -> None:
        self._ledger = ledger
        self._client = client
        self._prices = prices
        self._budget = budget
        self._responses = dict(responses)
        self._clock = clock or SystemClock()

    async def submit(self, questions: Sequence[Question]) -> Submitted:
        """Hand in, in one batch, what the ledger has no answer to and the budget has room for.

        Raises:
            Transient, Permanent, Misconfigured: the provider does not take the batch; nothing is reserved.
            MaybeSubmitted: it is not known; `collect` finds out.
        """
        done = Submitted()
        reserved: list[Reservation] = []
        for question in questions:
            if (entry := await self._ledger.find(question)) is not None:
                done.already.append(entry)
                continue
            try:
                reserved.append(await self._reserve(question))
                done.in_batch.append(question)
            except (Claimed, CapBusy):
                done.left.append(question)
            except BudgetExhausted as refusal:
                done.left.append(question)
                done.refusal = refusal
        if reserved:
            done.batch_id = (await self._hand_in(reserved, done.in_batch)).batch_id
        return done

    async def collect(self) -> list[LlmCall]:
        """Settle every result that is there, of any process's batches; returns the entries.

        A reservation whose batch was never made is given back; one that nobody ever answered is charged at
        its worst case after 26 hours. An outcome that is not final may be handed in again.
        """
        waiting = {custom_id(one.draft): one for one in await self._ledger.batched()}
        if not waiting:
            return []
        since = min(one.draft.started_at for one in waiting.values()) - _SKEW
        listed = await self._client.batches(since)
        entries = []
        for batch in listed:
            if batch.has_ended and self._may_hold(batch, waiting):
                entries += await self._settle_batch(batch, waiting)
        entries += await self._give_up(listed, waiting)
        return entries

    async def pending(self) -> frozenset[str]:
        """The input hashes of the questions that wait for the results of batches, of any process."""
        return frozenset(one.draft.input_hash for one in await self._ledger.batched())

    async def _reserve(self, question: Question) -> Reservation:
        price = self._prices.of(question.request.model, self._clock.now().date())
        return await self._ledger.reserve(
            question, price, price.worst_case(question.request, batch=True), self._budget,
            lifetime_s=_LIFETIME_S, for_batch=True,
        )  # fmt: skip

    async def _hand_in(self, reserved: Sequence[Reservation], questions: Sequence[Question]) -> Batch:
        requests = [
            (custom_id(one.draft), question.request)
            for one, question in zip(reserved, questions, strict=True)
        ]
        try:
            batch = await self._client.submit(requests)
        except MaybeSubmitted:
            raise
        except AxiomError:
            for one in reserved:
                await self._ledger.release(one)
            raise
        try:
            await self._ledger.bind(reserved, batch.batch_id)
        except StoreDown as error:  # `collect` finds the batch by listing
            log.warning("llm_batch_not_noted", batch=batch.batch_id, why=str(error))
        return batch

    def _may_hold(self, batch: Batch, waiting: Mapping[str, Reservation]) -> bool:
        return any(one.batch_id in {None, batch.batch_id} for one in waiting.values())

    async def _settle_batch(self, batch: Batch, waiting: dict[str, Reservation]) -> list[LlmCall]:
        responses = {
            name: self._responses[one.draft.task]
            for name, one in waiting.items()
            if one.batch_id in {None, batch.batch_id} and one.draft.task in self._responses
        }
        entries = []
        async for name, answer in self._client.results(batch.batch_id, responses):
            if (one := waiting.pop(name, None)) is not None:
                entries += await self._settle(one, answer)
        return entries

    async def _settle(self, one: Reservation, answer: Answer) -> list[LlmCall]:
        price = self._prices.of(one.draft.model, one.draft.started_at.date())
        entry = finished(one.draft, answer, price, self._clock.now())
        try:
            await settle(self._ledger, one, entry, self._clock)
        except Fenced:  # another process collects the same
            return []
        return [entry]

    async def _give_up(self, listed: Sequence[Batch], waiting: Mapping[str, Reservation]) -> list[LlmCall]:
        under_way = any(not batch.has_ended for batch in listed)
        entries = []
        for one in waiting.values():
            age = self._clock.now() - one.draft.started_at
            if one.is_expired:
                lost = Answer("in-flight-at-kill", charge="unknown", error="the batch never gave a result")
                entries += await self._settle(one, lost)
            elif one.batch_id is None and age > _GRACE and not under_way:
                await self._ledger.release(one)
        return entries


def custom_id(draft: LlmCall) -> str:
    """A request's id in a batch, from input hash and attempt; at most 37 of the 64 characters allowed."""
    return f"{draft.input_hash}-{draft.attempt}"
