"""Entries of the ledger: how a question and its answer become an `LlmCall`. Pure."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from axiom.llm.port import Answer, Question
from axiom.llm.prices import Price
from topics.llm_calls import LlmCall, Outcome

M = TypeVar("M", bound=BaseModel)

MAX_ATTEMPTS: Final = 1000
_FINAL: Final[frozenset[Outcome]] = frozenset({"answered", "refused", "truncated", "invalid", "rejected"})
_OF_SETTINGS: Final = ("401 ", "402 ", "403 ", "404 ")
_MAX_ANSWER_CHARS, _MAX_ERROR_CHARS = 200_000, 2_000


def usd(amount: Decimal) -> str:
    """Money as the topic writes it: the same amount always as the same text.

    >>> usd(Decimal("0.00500")), usd(Decimal("1E+1")), usd(Decimal(0))
    ('0.005', '10', '0')
    """
    return f"{amount.normalize():f}"


def draft(question: Question, attempt: int, price: Price, worst_usd: Decimal, now: datetime) -> LlmCall:
    """The entry of a call that is about to be made, as it stands if nobody ever hears of it again."""
    return LlmCall(
        input_hash=question.input_hash,
        attempt=attempt,
        event_id=question.event_id,
        task=question.task,
        pipeline=question.pipeline,
        model=question.request.model,
        prompt_version=question.prompt_version,
        schema_version=question.schema_version,
        universe=question.universe,
        outcome="in-flight-at-kill",
        cost_usd=usd(worst_usd),
        prices=price.name,
        started_at=now,
        finished_at=now,
    )


def finished(begun: LlmCall, answer: Answer, price: Price, now: datetime) -> LlmCall:
    """The entry once the answer is there. What may have been charged is booked at its worst case."""
    usage = answer.usage
    cost = {
        "usage": usd(price.cost(usage, batch=answer.batch_id is not None)),
        "nothing": "0",
        "unknown": begun.cost_usd,
    }[answer.charge]
    outcome: Outcome = answer.outcome
    text, error = _clean(answer.text or ""), answer.error or ""
    if len(text) > _MAX_ANSWER_CHARS:
        outcome, error, text = "invalid", f"an answer of {len(text)} characters", ""
    changes = {
        "outcome": outcome,
        "input_tokens": usage.input_tokens,
        "cached_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "output_tokens": usage.output_tokens,
        "cost_usd": cost,
        "latency_ms": answer.latency_ms,
        "answer": text or None,
        "error": _clean(error)[:_MAX_ERROR_CHARS] or None,
        "batch_id": answer.batch_id,
        "finished_at": max(now, begun.started_at),
    }
    return LlmCall.model_validate(begun.model_dump() | changes)


def reused(entry: LlmCall, question: Question, attempt: int, now: datetime) -> LlmCall:
    """An entry of an event whose question has been answered for another one: it costs nothing."""
    own = {
        "attempt": attempt,
        "event_id": question.event_id,
        "task": question.task,
        "pipeline": question.pipeline,
        "universe": question.universe,
        "cost_usd": "0",
        "started_at": now,
        "finished_at": now,
        "input_tokens": 0,
        "cached_tokens": 0,
        "cache_write_tokens": 0,
        "output_tokens": 0,
        "latency_ms": 0,
        "batch_id": None,
    }
    return LlmCall.model_validate(entry.model_dump() | own)


def is_final(call: LlmCall) -> bool:
    """Whether the question need not be asked again: an answer, or a verdict that a repeat would not change.

    A rejection for a reason of ours (key, payment, unknown model) is none: it ends when settings are mended.
    """
    return call.outcome in _FINAL and not is_of_settings(call)


def is_of_settings(call: LlmCall) -> bool:
    """Whether the provider rejected us rather than the question."""
    return call.outcome == "rejected" and (call.error or "").startswith(_OF_SETTINGS)


def parse(call: LlmCall, response: type[M]) -> M | None:
    """The answer, validated again; None unless the outcome is `answered` and it still fits."""
    if call.outcome != "answered" or call.answer is None:
        return None
    try:
        return response.model_validate_json(call.answer)
    except ValidationError:
        return None


def _clean(text: str) -> str:
    """Without U+0000 and half surrogates, which neither PostgreSQL nor UTF-8 can hold."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
