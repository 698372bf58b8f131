"""The real SDK against the strict local server: every shape of reply, and every mistake of ours."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import aiohttp
import pytest
from pydantic import BaseModel, Field, SecretStr

from axiom.errors import Misconfigured, Permanent, Transient
from axiom.llm.claude import ClaudeClient
from axiom.llm.port import MaybeSubmitted, Request
from axiom.llm.prices import PriceTable
from axiom.llm.settings import ClaudeSettings
from tests.anthropic_server import KEY, AnthropicServer, Reply
from tests.questions import GOOD, Mood, request
from tests.stack import free_port
from tests.suites.llm import ClaudeSuite

pytestmark = pytest.mark.integration

REPLIES = {
    "good": Reply(text=GOOD.model_dump_json()),
    "refusal": Reply("refusal"),
    "truncated": Reply("truncated"),
    "malformed": Reply("malformed"),
    "out-of-range": Reply(text='{"mood": "positive", "score": 7}'),
    "400": Reply("status", status=400),
    "404": Reply("status", status=404),
    "429": Reply("status", status=429, retry_after_s=7),
    "429-bare": Reply("status", status=429),
    "529": Reply("status", status=529),
    "500": Reply("status", status=500),
    "cut": Reply("cut"),
    "garbage": Reply("garbage"),
}


def settings(url: str, key: str = KEY, timeout_s: float = 20.0) -> ClaudeSettings:
    return ClaudeSettings(api_key=SecretStr(key), base_url=url, timeout_s=timeout_s)


class ServerWorld:
    def __init__(self, server: AnthropicServer, claude: ClaudeClient) -> None:
        self.server = server
        self.claude = claude

    def will(self, what: str) -> None:
        self.server.script = lambda body: REPLIES[what]

    def end_batches(self) -> None:
        self.server.end_batches()


@pytest.fixture
async def world() -> AsyncIterator[ServerWorld]:
    async with AnthropicServer(batches_end=False) as server:
        claude = ClaudeClient(settings(server.url))
        yield ServerWorld(server, claude)
        await claude.close()


class TestClaudeClient(ClaudeSuite):
    pass


async def test_what_is_sent_is_what_the_api_takes(world: ServerWorld) -> None:
    class Part(BaseModel):
        words: str = Field(max_length=10, description="a part")
        share: float | None = Field(default=None, ge=0, le=1)

    class Whole(BaseModel):
        kind: Literal["a", "b"]
        parts: list[Part] = Field(max_length=5)

    answer = await world.claude.ask(Request("claude-haiku-5-5", "Read.", "x", Whole, 500, effort="low"))
    assert world.server.books.refused == []
    assert answer.outcome == "answered"
    [body] = world.server.books.bodies
    assert body.keys() == {"model", "max_tokens", "system", "messages", "output_config"}
    assert body["output_config"]["effort"] == "low"


async def test_a_long_system_prompt_is_cached_and_the_cache_is_cheaper(world: ServerWorld) -> None:
    world.will("good")
    long = "Read with care. " * 400
    first = await world.claude.ask(request("one", system=long))
    second = await world.claude.ask(request("two", system=long))
    assert first.usage.cache_write_tokens == second.usage.cached_tokens > 1000
    price = PriceTable.bundled().of("claude-haiku-5-5", date(2026, 11, 21))
    assert price.cost(second.usage) < price.cost(first.usage) < price.worst_case(request("one", system=long))
    assert price.cost(first.usage) + price.cost(second.usage) == world.server.books.bill_usd


async def test_nothing_is_retried_by_the_sdk(world: ServerWorld) -> None:
    for what in ("429", "429-bare", "500", "529", "cut", "garbage"):
        world.will(what)
        before = world.server.books.requests
        answer = await world.claude.ask(request())
        assert world.server.books.requests == before + 1, what
        assert (answer.retry_after_s == 7.0) == (what == "429")
        if what in {"cut", "garbage"}:
            assert (answer.outcome, answer.charge) == ("server-error", "unknown")


async def test_a_slow_reply_times_out_and_may_be_charged(world: ServerWorld) -> None:
    world.server.script = lambda body: Reply(delay_s=5)
    claude = ClaudeClient(settings(world.server.url, timeout_s=0.3))
    answer = await claude.ask(request())
    assert (answer.outcome, answer.charge) == ("timeout", "unknown")
    assert world.server.books.bill_usd > 0
    await claude.close()


async def test_a_server_that_is_away_charges_nothing() -> None:
    claude = ClaudeClient(settings(f"http://127.0.0.1:{free_port()}"))
    answer = await claude.ask(request())
    assert (answer.outcome, answer.charge) == ("server-error", "nothing")
    with pytest.raises(Transient) as raised:
        await claude.submit([("a", request())])
    assert not isinstance(raised.value, MaybeSubmitted)
    await claude.close()


async def test_a_wrong_key_and_an_unknown_model(world: ServerWorld) -> None:
    claude = ClaudeClient(settings(world.server.url, key="wrong"))
    answer = await claude.ask(request())
    assert (answer.outcome, answer.status) == ("rejected", 401)
    assert "authentication_error" in (answer.error or "")
    with pytest.raises(Misconfigured, match="authentication_error"):
        await claude.submit([("a", request())])
    await claude.close()
    unknown = await world.claude.ask(request(model="claude-next-9"))
    assert (unknown.outcome, unknown.error) == ("rejected", "404 not_found_error: model: claude-next-9")
    with pytest.raises(Misconfigured, match="API_KEY"):
        ClaudeClient(ClaudeSettings(api_key=None))


async def test_a_batchs_ids_and_its_errors(world: ServerWorld) -> None:
    with pytest.raises(Permanent, match="custom_id"):
        await world.claude.submit([("not:allowed", request())])
    world.will("500")
    batch = await world.claude.submit([("a", request()), ("b", request(model="claude-next-9"))])
    world.end_batches()
    found = {n: a async for n, a in world.claude.results(batch.batch_id, {"a": Mood, "b": Mood})}
    assert {name: answer.outcome for name, answer in found.items()} == {
        "a": "server-error",
        "b": "rejected",
    }
    assert {answer.charge for answer in found.values()} == {"nothing"}
    assert world.server.books.bill_usd == Decimal(0)


GOOD_BODY: dict[str, Any] = {
    "model": "claude-haiku-5-5", "max_tokens": 10, "messages": [{"role": "user", "content": "Hi"}],
}  # fmt: skip


def with_schema(schema: Any) -> dict[str, Any]:
    return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}


CLOSED = {"type": "object", "additionalProperties": False}


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({}, 200, ""),
        ({"max_tokens": None}, 400, "max_tokens"),
        ({"max_tokens": 0}, 400, "max_tokens"),
        ({"max_tokens": 10**6}, 400, "maximum"),
        ({"surprise": 1}, 400, "Extra inputs are not permitted"),
        ({"temperature": 0}, 400, "not supported"),
        ({"model": "nobody"}, 404, "model: nobody"),
        ({"messages": []}, 400, "at least one message"),
        ({"messages": [{"role": "system", "content": "x"}]}, 400, "role"),
        ({"messages": [{"role": "user", "content": " "}]}, 400, "non-empty"),
        ({"system": [{"type": "text", "text": ""}]}, 400, "non-empty"),
        ({"system": [{"type": "text", "text": "x", "cache_control": {"type": "forever"}}]}, 400, "ephemeral"),
        (with_schema(CLOSED | {"properties": {"a": {"type": "string"}}}), 200, ""),
        (with_schema({"type": "object", "properties": {}}), 400, "additionalProperties"),
        (with_schema(CLOSED | {"properties": {"a": {"type": "number", "minimum": 0}}}), 400, "minimum"),
        (with_schema(CLOSED | {"properties": {"a": {"type": "string", "maxLength": 3}}}), 400, "maxLength"),
        (with_schema(CLOSED | {"properties": {"a": {"type": "array", "minItems": 2}}}), 400, "minItems"),
        (with_schema(CLOSED | {"properties": {"a": {"$ref": "http://x/y"}}}), 400, "external"),
        (
            with_schema(
                CLOSED | {"properties": {"a": {"$ref": "#/$defs/N"}},
                          "$defs": {"N": CLOSED | {"properties": {"n": {"$ref": "#/$defs/N"}}}}}
            ),
            400,
            "recursive",
        ),
        (
            with_schema(CLOSED | {"properties": {}})
            | {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "{"}]},
            400,
            "prefilling",
        ),
        ({"output_config": {"effort": "huge"}}, 400, "effort"),
    ],
)  # fmt: skip
async def test_the_server_is_strict(change: dict[str, Any], status: int, words: str) -> None:
    body = {key: value for key, value in (GOOD_BODY | change).items() if value is not None}
    headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
    async with AnthropicServer() as server, aiohttp.ClientSession() as session:
        async with session.post(f"{server.url}/v1/messages", json=body, headers=headers) as answer:
            found = await answer.json()
        assert (answer.status, words in json.dumps(found)) == (status, True), found
        for name in headers:
            less = {key: value for key, value in headers.items() if key != name}
            async with session.post(f"{server.url}/v1/messages", json=GOOD_BODY, headers=less) as answer:
                assert answer.status == (401 if name == "x-api-key" else 400)
