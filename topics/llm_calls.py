"""`llm-calls`: each paid call: answer, tokens, cost."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from axiom.contracts.codec import content_hash
from axiom.contracts.payload import NO_NUL, Count, Digest, Payload, Text, Usd, UtcTime, sortable
from axiom.contracts.topic import Topic

Outcome = Literal[
    "answered", "invalid", "refused", "truncated", "rate-limited", "overloaded", "server-error",
    "timeout", "rejected", "in-flight-at-kill",
]  # fmt: skip


class LlmCall(Payload):
    """One attempt to have an input read by a model: an entry of the ledger, which is filled from here when
    PostgreSQL is lost.

    Attributes:
        input_hash: hash of model, prompt version, schema version and input.
        attempt: 1, 2, …; a further attempt follows one without an answer.
        event_id, task: what it was for: an event's, company's or pair's id, and the prompt's name.
        pipeline: who pays: `events`, `company-graph`, `correlations`.
        input_tokens: those not from the cache; `cached_tokens` were read from it, `cache_write_tokens`
            were written to it.
        cost_usd: by the price table `prices`; of a call in flight at a kill, its worst case.
        answer: the model's text; None where there was none.
        batch_id: the message batch that it was part of, at half the price.
        universe: the version of the list of companies that the answer's names are resolved with.
    """

    input_hash: Digest
    attempt: Annotated[int, Field(ge=1, le=1000)]
    event_id: Text
    task: Text
    pipeline: Text
    model: Text
    prompt_version: Text
    schema_version: Text
    universe: Text
    outcome: Outcome
    input_tokens: Count = 0
    cached_tokens: Count = 0
    cache_write_tokens: Count = 0
    output_tokens: Count = 0
    cost_usd: Usd
    prices: Text
    latency_ms: Count = 0
    answer: Annotated[str, StringConstraints(pattern=NO_NUL, max_length=200_000)] | None = None
    error: Text | None = None
    batch_id: Text | None = None
    started_at: UtcTime
    finished_at: UtcTime


def call_id(call: LlmCall) -> str:
    """`hash:attempt`."""
    return f"{call.input_hash}:{call.attempt}"


def call_version(call: LlmCall, value: bytes | None) -> str:
    """Orders what is told of one attempt, as a string: its end, then the hash of the record's value.

    35 characters: the time as `sortable`, a colon, 16 hex digits.
    """
    return f"{sortable(call.finished_at)}:{content_hash(value):016x}"


TOPIC = Topic[LlmCall](
    name="llm-calls",
    summary="each paid call: answer, tokens, cost",
    key="input_hash:attempt",
    payload=LlmCall,
    key_of=call_id,
    id_of=call_id,
)
