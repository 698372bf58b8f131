"""Questions that may be answered later wait for company and go as message batches, at half the price."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from axiom.errors import AxiomError, Misconfigured, Transient
from axiom.llm.batches import BatchDesk, Submitted
from axiom.llm.desk import Desk
from axiom.llm.entries import is_final, is_of_settings
from axiom.llm.port import MaybeSubmitted, Question
from axiom.resilience.clock import Clock, SystemClock
from axiom.telemetry.logs import get_logger
from topics.llm_calls import LlmCall

TICK_S = 0.5
log = get_logger()


@dataclass
class _Waiting:
    question: Question
    answer: asyncio.Future[LlmCall]
    since_s: float
    sent: bool = False


class BatchQueue:
    """Collects questions, sends them as batches, and hands the answers out when they come.

    A process that dies loses nothing: the ledger knows what was sent, and whoever asks the same question next
    gets its answer when the batch has ended.
    """

    def __init__(
        self,
        batches: BatchDesk,
        desk: Desk,
        *,
        size: int,
        wait_s: float,
        poll_s: float = 20.0,
        clock: Clock | None = None,
    ) -> None:
        """A batch goes with `size` questions or after `wait_s`; answers are looked for every `poll_s`."""
        self._batches = batches
        self._desk = desk
        self._size = size
        self._wait_s = wait_s
        self._poll_s = poll_s
        self._clock = clock or SystemClock()
        self._waiting: dict[tuple[str, str], _Waiting] = {}
        self._collect_at_s = 0.0

    async def ask(self, question: Question) -> LlmCall:
        """The final entry for the question, maybe an hour later.

        Raises:
            Transient: it was not sent: the budget is used up, or the API or PostgreSQL is away. Or the batch
                gave no final answer: ask again.
            Permanent: the provider refuses the batch.
            Misconfigured: it refuses the key or the model.
        """
        key = (question.event_id, question.task)
        waiting = self._waiting.get(key)
        if waiting is None:
            answer: asyncio.Future[LlmCall] = asyncio.get_running_loop().create_future()
            waiting = self._waiting[key] = _Waiting(question, answer, self._clock.monotonic())
        return await asyncio.shield(waiting.answer)

    async def run(self) -> None:
        """Send and collect until cancelled. Whoever waits is told of what ends it."""
        try:
            while True:
                await self._clock.sleep(TICK_S)
                await self.turn()
        except Exception as fault:
            self._fail(list(self._waiting.values()), fault)
            raise

    async def turn(self) -> None:
        """Send what is due, and collect what is there."""
        try:
            await self._send_if_due()
        except AxiomError as refusal:
            log.warning("batches_wait", why=str(refusal))
            self._fail([one for one in self._waiting.values() if not one.sent], refusal)
        try:
            if any(one.sent for one in self._waiting.values()):
                await self._collect_if_due()
        except Misconfigured as refusal:
            self._fail(list(self._waiting.values()), refusal)
        except AxiomError as down:  # what was sent is paid for: it is worth waiting for
            log.warning("batches_wait", why=str(down))

    async def _send_if_due(self) -> None:
        unsent = {key: one for key, one in self._waiting.items() if not one.sent}
        if not unsent:
            return
        oldest_s = self._clock.monotonic() - min(one.since_s for one in unsent.values())
        if len(unsent) < self._size and oldest_s < self._wait_s:
            return
        try:
            submitted = await self._batches.submit([one.question for one in unsent.values()])
        except MaybeSubmitted as doubt:
            log.warning("batch_in_doubt", why=str(doubt))  # `collect` finds out
            submitted = Submitted()
        log.info("batch_sent", batch=submitted.batch_id, questions=len(submitted.in_batch))
        for one in unsent.values():
            one.sent = True
        self._give(submitted.already)
        # What is left without a refusal is in an earlier batch already, maybe of a process that is gone.
        if submitted.refusal is not None:
            left = {(question.event_id, question.task) for question in submitted.left}
            self._fail([unsent[key] for key in left], submitted.refusal)

    async def _collect_if_due(self) -> None:
        now = self._clock.monotonic()
        if now < self._collect_at_s:
            return
        self._collect_at_s = now + self._poll_s
        self._give(await self._batches.collect())
        sent = [one for one in self._waiting.values() if one.sent]
        pending = await self._batches.pending()
        for one in sent:
            entry = await self._desk.look_up(one.question)  # another process may have collected it
            if entry is not None:
                self._give([entry])
            elif one.question.input_hash not in pending:
                one.sent = False  # its batch was never made, or its answer was not final

    def _give(self, entries: list[LlmCall]) -> None:
        for entry in entries:
            waiting = self._waiting.pop((entry.event_id, entry.task), None)
            if waiting is None or waiting.answer.done():
                continue
            if is_final(entry):
                waiting.answer.set_result(entry)
            else:
                waiting.answer.set_exception(_no_answer(entry))

    def _fail(self, those: list[_Waiting], why: Exception) -> None:
        for one in those:
            self._waiting.pop((one.question.event_id, one.question.task), None)
            if not one.answer.done():
                one.answer.set_exception(why)


def _no_answer(entry: LlmCall) -> AxiomError:
    """What an entry means that is not final: nobody has answered, but somebody may."""
    told = f"{entry.task} of {entry.event_id}: {entry.outcome}: {entry.error}"
    if is_of_settings(entry):
        return Misconfigured(f"Anthropic rejects {entry.model} in a batch: {told}")
    return Transient(f"a batch gave no answer to {told}")
