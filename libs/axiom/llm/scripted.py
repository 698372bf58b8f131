"""The in-memory twin of Claude: a function answers. For tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pydantic import BaseModel

from axiom.llm.port import Answer, Batch, Request, Usage
from axiom.llm.reading import read
from axiom.resilience.clock import Clock

Reply = Answer | BaseModel | str
Script = Callable[[Request], Reply | Awaitable[Reply]]


class ScriptedClaude:
    """`axiom.llm.port.Claude` and `BatchClient`; the script gives an `Answer`, a model, or text.

    Attributes:
        asked: every request, in order; those of batches when they are handed in.
        submitted: the batches, by id, with what was handed in.
        ended: ids of those that have ended; a test moves them on.
    """

    def __init__(self, script: Script, clock: Clock | None = None) -> None:
        self.asked: list[Request] = []
        self.submitted: dict[str, list[tuple[str, Request]]] = {}
        self.ended: set[str] = set()
        self._created: dict[str, datetime] = {}
        self._script = script
        self._clock = clock

    async def ask(self, request: Request) -> Answer:
        self.asked.append(request)
        return await self._answer(request)

    async def submit(self, requests: Sequence[tuple[str, Request]]) -> Batch:
        self.asked.extend(request for _, request in requests)
        batch_id = f"msgbatch_{len(self.submitted) + 1}"
        self.submitted[batch_id] = list(requests)
        self._created[batch_id] = self._clock.now() if self._clock else datetime.now(UTC)
        return self._batch(batch_id)

    async def batches(self, since: datetime) -> list[Batch]:
        return [self._batch(name) for name, at in self._created.items() if at >= since]

    async def results(
        self, batch_id: str, responses: Mapping[str, type[BaseModel]]
    ) -> AsyncIterator[tuple[str, Answer]]:
        for name, request in reversed(self.submitted[batch_id]):
            if name in responses:
                yield name, replace(await self._answer(request), batch_id=batch_id)

    async def close(self) -> None:
        """Nothing to release."""

    async def _answer(self, request: Request) -> Answer:
        reply = self._script(request)
        if isinstance(reply, Awaitable):
            reply = await reply
        if isinstance(reply, Answer):
            return reply
        text = reply if isinstance(reply, str) else reply.model_dump_json()
        usage = Usage(input_tokens=request.size_bytes // 4, output_tokens=max(1, len(text) // 4))
        return read(text, "end_turn", usage, request.response)

    def _batch(self, batch_id: str) -> Batch:
        return Batch(batch_id, self._created[batch_id], batch_id in self.ended)
