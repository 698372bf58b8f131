"""What Axiom needs of a language model. The docstrings are the specification; one suite tests both twins."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from typing import Literal, Protocol

from pydantic import BaseModel

from axiom.errors import Transient
from topics.llm_calls import Outcome

Effort = Literal["low", "medium", "high", "xhigh", "max"]
Charge = Literal["usage", "nothing", "unknown"]


@dataclass(frozen=True)
class Request:
    """One question to a model.

    Attributes:
        system: the same for all requests of a task, so that the provider can cache it.
        response: what the answer must look like; sent as a JSON schema, and the answer is validated with it.
        max_output_tokens: the answer is cut off there; it bounds the cost.
        effort: how much work the model puts in; None leaves it to the model.
    """

    model: str
    system: str
    prompt: str
    response: type[BaseModel]
    max_output_tokens: int
    effort: Effort | None = None

    @cached_property
    def size_bytes(self) -> int:
        """UTF-8 bytes of what is sent: never fewer than its tokens, which are made of whole bytes."""
        texts = sum(len(text.encode("utf-8", "replace")) for text in (self.system, self.prompt))
        return texts + _schema_bytes(self.response)


@cache
def _schema_bytes(response: type[BaseModel]) -> int:
    return len(json.dumps(response.model_json_schema(), ensure_ascii=False).encode("utf-8", "replace"))


@dataclass(frozen=True)
class Usage:
    """Tokens of one call. `input_tokens` are those neither read from nor written to the cache."""

    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True)
class Answer:
    """How one attempt ended.

    Attributes:
        outcome: `answered` when the text fits the response model; `invalid` when it does not; `refused` by
            the model; `truncated` at the token limit; `rejected` for good by the API (4xx); the others may
            pass: `rate-limited` (429), `overloaded` (529), `server-error`, `timeout`.
        text: what the model wrote; also of an answer that is invalid, truncated or a refusal.
        parsed: the text as the response model; only when answered.
        charge: `usage` is paid for; `nothing`; or `unknown`, when the connection broke after the request
            had been sent: the provider may charge for it.
        status: of HTTP; None when there was no reply.
        error: `429 rate_limit_error: …`.
        retry_after_s: the provider's wish.
    """

    outcome: Outcome
    text: str | None = None
    parsed: BaseModel | None = None
    usage: Usage = field(default_factory=Usage)
    charge: Charge = "usage"
    latency_ms: int = 0
    status: int | None = None
    error: str | None = None
    retry_after_s: float | None = None
    request_id: str | None = None
    batch_id: str | None = None


class Claude(Protocol):
    """Asks one question at a time; safe to use from many tasks of one event loop. Retries nothing."""

    async def ask(self, request: Request) -> Answer:
        """One attempt. Whatever the provider or the network does is an `Answer`; nothing is raised for it."""
        ...

    async def close(self) -> None:
        """Release the connections."""
        ...


@dataclass(frozen=True)
class Batch:
    """A message batch as the provider lists it. `has_ended`: results can be fetched."""

    batch_id: str
    created_at: datetime
    has_ended: bool


class MaybeSubmitted(Transient):
    """The connection broke while a batch was being handed in: it may or may not exist."""


class BatchClient(Protocol):
    """Asks many questions at once, for half the price, answered within a day.

    Errors: `Transient` when the provider does not serve now (`MaybeSubmitted`: see there); `Permanent` when
    it refuses the request; `Misconfigured` when it refuses the key.
    """

    async def submit(self, requests: Sequence[tuple[str, Request]]) -> Batch:
        """Hand in requests, each under its id: 1 to 64 letters, digits, `_`, `-`; distinct in the batch."""
        ...

    async def batches(self, since: datetime) -> list[Batch]:
        """Batches created at `since` or later, whoever created them with this key."""
        ...

    def results(
        self, batch_id: str, responses: dict[str, type[BaseModel]]
    ) -> AsyncIterator[tuple[str, Answer]]:
        """Id and answer of each request of a batch that has ended, in any order.

        `responses` has the response models by id; a result whose id is not in it is passed over.
        """
        ...


@dataclass(frozen=True)
class Question:
    """What we want to know, in the ledger's terms.

    Attributes:
        event_id: an event's, company's or pair's id.
        task: the prompt's name.
        pipeline: who pays: `events`, `company-graph`, `correlations`.
        universe: the version of the list of companies that the answer's names will be resolved with.
        again: ask anew although the event has an answer; an answer to exactly this input is still used.
    """

    event_id: str
    task: str
    pipeline: str
    prompt_version: str
    schema_version: str
    universe: str
    request: Request
    again: bool = False

    @cached_property
    def input_hash(self) -> str:
        """32 hex digits of model, versions and text: questions that are the same are paid for once."""
        request = self.request
        parts = [
            request.model, self.prompt_version, self.schema_version, request.system, request.prompt,
            request.effort or "", str(request.max_output_tokens),
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
