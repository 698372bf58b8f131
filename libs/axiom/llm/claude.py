"""Claude through Anthropic's SDK. Nothing else imports it.

The SDK's own retries are off: attempts are counted and paid for by `desk.py`. `messages.create` is used with
a schema, not `messages.parse`, which raises for an answer that does not fit and loses what it cost.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, cast

import anthropic
from anthropic.types import Message
from anthropic.types.messages import MessageBatch, MessageBatchIndividualResponse
from pydantic import BaseModel

from axiom.errors import Misconfigured, Permanent, Transient
from axiom.llm.port import Answer, Batch, MaybeSubmitted, Request, Usage
from axiom.llm.reading import read
from axiom.llm.settings import ClaudeSettings
from topics.llm_calls import Outcome

__all__ = ["ClaudeClient", "ClaudeSettings"]

# About 1,024 tokens: no model caches a shorter prefix, so marking one would be idle.
_CACHED_FROM_BYTES = 4096
# httpx2's names for "nothing was sent"; it is the SDK's dependency, not ours, so it is not imported.
_NOT_SENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol"}
_REJECTIONS = {
    "invalid_request_error": 400, "authentication_error": 401, "billing_error": 402, "permission_error": 403,
    "not_found_error": 404, "request_too_large": 413,
}  # fmt: skip
_SEEN_AGAIN = {408: "server-error", 409: "server-error", 429: "rate-limited", 529: "overloaded"}


class ClaudeClient:
    """`axiom.llm.port.Claude` and `BatchClient` over the Messages API."""

    def __init__(self, settings: ClaudeSettings, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Raises Misconfigured without a key. `monotonic` measures latencies."""
        if settings.api_key is None:
            raise Misconfigured("Claude needs a key: set AXIOM_CLAUDE_API_KEY or ANTHROPIC_API_KEY")
        self._monotonic = monotonic
        self._client = anthropic.AsyncAnthropic(
            api_key=settings.api_key.get_secret_value(),
            base_url=settings.base_url,
            timeout=settings.timeout_s,
            max_retries=0,
        )

    async def ask(self, request: Request) -> Answer:
        begun_s = self._monotonic()
        try:
            answer = _of_message(await self._client.messages.create(**_parameters(request)), request.response)
        except anthropic.APIStatusError as error:
            answer = _of_status(error)
        except anthropic.APIConnectionError as error:
            answer = _of_connection(error)
        except (anthropic.AnthropicError, ValueError, TypeError) as error:  # a reply that is no message
            answer = Answer(
                "server-error", charge="unknown", error=f"unreadable reply: {type(error).__name__}"
            )
        return replace(answer, latency_ms=round((self._monotonic() - begun_s) * 1000))

    async def submit(self, requests: Sequence[tuple[str, Request]]) -> Batch:
        async with _translated("handing in a batch"):
            return _batch(
                await self._client.messages.batches.create(
                    requests=[
                        {"custom_id": name, "params": _parameters(request)} for name, request in requests
                    ]
                )
            )

    async def batches(self, since: datetime) -> list[Batch]:
        found = []
        async with _translated("listing batches"):
            async for batch in self._client.messages.batches.list(limit=100):
                if batch.created_at < since:  # they come newest first
                    break
                found.append(_batch(batch))
        return found

    async def results(
        self, batch_id: str, responses: Mapping[str, type[BaseModel]]
    ) -> AsyncIterator[tuple[str, Answer]]:
        async with _translated("fetching a batch's results"):
            async for line in await self._client.messages.batches.results(batch_id):
                if line.custom_id in responses:
                    answer = _of_result(line, responses[line.custom_id])
                    yield line.custom_id, replace(answer, batch_id=batch_id)

    async def close(self) -> None:
        await self._client.close()


@cache
def _schema(response: type[BaseModel]) -> dict[str, Any]:
    return anthropic.transform_schema(response)


def _parameters(request: Request) -> Any:
    """No temperature and no forced tool: newer models refuse them."""
    system: dict[str, Any] = {"type": "text", "text": request.system}
    if len(request.system.encode("utf-8", "replace")) >= _CACHED_FROM_BYTES:
        system["cache_control"] = {"type": "ephemeral"}
    config: dict[str, Any] = {"format": {"type": "json_schema", "schema": _schema(request.response)}}
    if request.effort is not None:
        config["effort"] = request.effort
    return {
        "model": request.model,
        "max_tokens": request.max_output_tokens,
        "system": [system],
        "messages": [{"role": "user", "content": request.prompt}],
        "output_config": config,
    }


def _of_message(message: Message, response: type[BaseModel]) -> Answer:
    if not isinstance(message, Message):
        raise TypeError("the reply is no message")
    text = "".join(block.text for block in message.content if block.type == "text")
    counted = message.usage
    usage = Usage(
        input_tokens=counted.input_tokens,
        cached_tokens=counted.cache_read_input_tokens or 0,
        cache_write_tokens=counted.cache_creation_input_tokens or 0,
        output_tokens=counted.output_tokens,
    )
    answer = read(text, message.stop_reason, usage, response)
    return replace(answer, status=200, request_id=getattr(message, "_request_id", None))


def _of_status(error: anthropic.APIStatusError) -> Answer:
    status = error.status_code
    outcome = _SEEN_AGAIN.get(status, "server-error" if status >= 500 else "rejected")
    return Answer(
        cast("Outcome", outcome),
        charge="nothing",
        status=status,
        error=_words(error),
        retry_after_s=_retry_after_s(error.response.headers),
        request_id=error.request_id,
    )


def _words(error: anthropic.APIStatusError) -> str:
    return f"{error.status_code} {error.type or 'error'}: {error.api_message or error.message}"


def _of_connection(error: anthropic.APIConnectionError) -> Answer:
    outcome: Outcome = "timeout" if isinstance(error, anthropic.APITimeoutError) else "server-error"
    cause = type(error.__cause__).__name__
    return Answer(outcome, charge="nothing" if cause in _NOT_SENT else "unknown", error=f"no reply: {cause}")


def _of_result(line: MessageBatchIndividualResponse, response: type[BaseModel]) -> Answer:
    match line.result.type:
        case "succeeded":
            return _of_message(line.result.message, response)
        case "errored":
            problem = line.result.error.error
            status = _REJECTIONS.get(problem.type, 500)
            outcome: Outcome = "server-error" if status == 500 else "rejected"
            return Answer(outcome, charge="nothing", error=f"{status} {problem.type}: {problem.message}")
        case other:
            return Answer("server-error", charge="nothing", error=f"the batch's request was {other}")


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds, or a moment: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after"""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _batch(batch: MessageBatch) -> Batch:
    return Batch(batch.id, batch.created_at, batch.processing_status == "ended")


@asynccontextmanager
async def _translated(doing: str) -> AsyncIterator[None]:
    try:
        yield
    except anthropic.APIStatusError as error:
        if error.status_code in {401, 402, 403, 404}:
            raise Misconfigured(f"{doing}: Anthropic answers {_words(error)}") from error
        if error.status_code < 500 and error.status_code not in _SEEN_AGAIN:
            raise Permanent(f"{doing}: Anthropic answers {_words(error)}") from error
        kind = Transient if error.status_code in {429, 529} else MaybeSubmitted
        raise kind(f"{doing}: {_words(error)}", _retry_after_s(error.response.headers)) from error
    except anthropic.APIConnectionError as error:
        cause = type(error.__cause__).__name__
        kind = Transient if cause in _NOT_SENT else MaybeSubmitted
        raise kind(f"{doing}: no reply from Anthropic: {cause}") from error
    except (anthropic.AnthropicError, ValueError) as error:
        raise MaybeSubmitted(f"{doing}: an unreadable reply: {error}") from error
