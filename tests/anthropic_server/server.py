"""The server itself: endpoints of Messages and Message Batches, and of control."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from tests.anthropic_server.replies import (
    ERROR_TYPES,
    Books,
    Reply,
    Script,
    as_reply,
    error_body,
    message,
)
from tests.anthropic_server.validation import Refused, bad, check_batch, check_headers, check_message

KEY = "sk-ant-made-up"
_STANDARD: Script = lambda body: Reply()  # noqa: E731 - a default, not a function with a name


class AnthropicServer:
    """Listens on loopback. `script(body)` says how to answer a message.

    Attributes:
        books: what was asked and charged.
        batches_end: whether a batch has ended as soon as it is asked for; else `end_batches` ends them.
    """

    def __init__(self, script: Script = _STANDARD, *, port: int = 0, batches_end: bool = True) -> None:
        self.script = script
        self.books = Books()
        self.batches_end = batches_end
        self._port = port
        self._batches: dict[str, dict[str, Any]] = {}
        self._rules: list[dict[str, Any]] = []
        self._numbers = iter(range(1, 10**9))

    @property
    def url(self) -> str:
        """The base URL for a client."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> AnthropicServer:
        app = web.Application(client_max_size=32 * 1024 * 1024)
        app.add_routes(
            [
                web.post("/v1/messages", self._messages),
                web.post("/v1/messages/batches", self._create_batch),
                web.get("/v1/messages/batches", self._list_batches),
                web.get("/v1/messages/batches/{id}", self._get_batch),
                web.get("/v1/messages/batches/{id}/results", self._results),
                web.get("/control/state", self._state),
                web.post("/control/rules", self._set_rules),
                web.post("/control/end_batches", self._end_batches),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def state(self) -> dict[str, Any]:
        """Requests, kinds of replies, paid calls by input, refusals and the bill."""
        books = self.books
        return {
            "requests": books.requests,
            "kinds": dict(books.kinds),
            "paid": dict(books.paid),
            "paid_calls": books.paid.total(),
            "bill_usd": str(books.bill_usd),
            "refused": books.refused,
            "batches": {name: batch["status"] for name, batch in self._batches.items()},
        }

    def end_batches(self) -> None:
        """Every batch has ended now."""
        for batch in self._batches.values():
            batch["status"] = "ended"

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        self.books.requests += 1
        try:
            body = await self._checked(request)
            check_message(body)
        except Refused as refused:
            return self._refuse(refused)
        self.books.bodies.append(body)
        reply = self._reply(body)
        self.books.kinds[reply.kind if reply.kind != "status" else str(reply.status)] += 1
        if reply.kind == "status":
            await asyncio.sleep(reply.delay_s)
            return self._error(reply.status, ERROR_TYPES[reply.status], "as scripted", reply.retry_after_s)
        answer = message(body, reply, self.books, next(self._numbers))  # it is paid for, whoever hears of it
        await asyncio.sleep(reply.delay_s)
        if reply.kind == "cut":
            return await self._cut(request, answer)
        if reply.kind == "garbage":
            return web.Response(text='{"id": "msg_', content_type="application/json")
        return web.json_response(answer, headers=self._headers())

    def _reply(self, body: dict[str, Any]) -> Reply:
        for rule in self._rules:
            if rule.get("contains", "") in json.dumps(body) and rule.get("times", 1) > 0:
                rule["times"] = rule.get("times", 1) - 1
                return Reply(**rule["reply"])
        return as_reply(self.script(body))

    async def _checked(self, request: web.Request) -> Any:
        check_headers(request.headers, KEY)
        if request.content_type != "application/json":
            raise bad("content-type: must be application/json")
        try:
            return json.loads(await request.read())
        except web.HTTPRequestEntityTooLarge:
            raise Refused(413, "request_too_large", "Request exceeds the maximum size") from None
        except ValueError as error:
            raise bad(f"The request body is not valid JSON: {error}") from None

    async def _cut(self, request: web.Request, answer: Mapping[str, Any]) -> web.StreamResponse:
        data = json.dumps(answer).encode()
        response = web.StreamResponse(headers={"content-type": "application/json"})
        response.content_length = len(data)
        await response.prepare(request)
        await response.write(data[: len(data) // 2])
        if request.transport is not None:
            request.transport.abort()
        return response

    async def _create_batch(self, request: web.Request) -> web.Response:
        try:
            body = await self._checked(request)
            check_batch(body)
        except Refused as refused:
            return self._refuse(refused)
        number = next(self._numbers)
        name = f"msgbatch_{number:024d}"
        self._batches[name] = {"requests": body["requests"], "at": datetime.now(UTC), "status": "in_progress"}
        self._batches[name]["lines"] = [self._line(one) for one in body["requests"]]
        return web.json_response(self._shown(name), headers=self._headers())

    def _line(self, one: Mapping[str, Any]) -> dict[str, Any]:
        """Each request's result; worked on at once, told when the batch has ended."""
        self.books.requests += 1
        try:
            check_message(one["params"])
        except Refused as refused:
            error = error_body(refused.kind, str(refused), "req_batch")
            return {"custom_id": one["custom_id"], "result": {"type": "errored", "error": error}}
        reply = self._reply(one["params"])
        self.books.kinds[f"batch-{reply.kind}"] += 1
        if reply.kind == "status":
            error = error_body(ERROR_TYPES[reply.status], "as scripted", "req_batch")
            return {"custom_id": one["custom_id"], "result": {"type": "errored", "error": error}}
        told = message(one["params"], reply, self.books, next(self._numbers), batch=True)
        return {"custom_id": one["custom_id"], "result": {"type": "succeeded", "message": told}}

    async def _list_batches(self, request: web.Request) -> web.Response:
        try:
            check_headers(request.headers, KEY)
        except Refused as refused:
            return self._refuse(refused)
        limit = int(request.query.get("limit", "20"))
        names = list(reversed(self._batches))
        if after := request.query.get("after_id"):
            names = names[names.index(after) + 1 :]
        page = names[:limit]
        shown = [self._shown(name) for name in page]
        first, last = (page[0], page[-1]) if page else (None, None)
        body = {"data": shown, "has_more": len(names) > limit, "first_id": first, "last_id": last}
        return web.json_response(body, headers=self._headers())

    async def _get_batch(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if name not in self._batches:
            return self._error(404, "not_found_error", f"batch {name} not found")
        return web.json_response(self._shown(name), headers=self._headers())

    async def _results(self, request: web.Request) -> web.Response:
        batch = self._batches.get(request.match_info["id"])
        if batch is None or batch["status"] != "ended":
            return self._error(404, "not_found_error", "no results")
        lines = "".join(json.dumps(line) + "\n" for line in reversed(batch["lines"]))  # in any order
        return web.Response(body=lines.encode(), content_type="application/x-jsonl")

    def _shown(self, name: str) -> dict[str, Any]:
        batch = self._batches[name]
        if self.batches_end and batch.setdefault("seen", 0):
            batch["status"] = "ended"
        batch["seen"] = 1
        ended = batch["status"] == "ended"
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        for line in batch["lines"]:
            counts[line["result"]["type"] if ended else "processing"] += 1
        return {
            "id": name,
            "type": "message_batch",
            "processing_status": batch["status"],
            "request_counts": counts,
            "created_at": batch["at"].isoformat(),
            "expires_at": (batch["at"] + timedelta(hours=24)).isoformat(),
            "ended_at": batch["at"].isoformat() if ended else None,
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": f"{self.url}/v1/messages/batches/{name}/results" if ended else None,
        }

    async def _state(self, request: web.Request) -> web.Response:
        return web.json_response(self.state())

    async def _set_rules(self, request: web.Request) -> web.Response:
        """`[{"contains": text, "times": n, "reply": {…Reply}}]`, before the script, in order."""
        self._rules = await request.json()
        return web.json_response({})

    async def _end_batches(self, request: web.Request) -> web.Response:
        self.end_batches()
        return web.json_response({})

    def _refuse(self, refused: Refused) -> web.Response:
        self.books.refused.append(str(refused))
        return self._error(refused.status, refused.kind, str(refused))

    def _error(self, status: int, kind: str, text: str, retry_after_s: float | None = None) -> web.Response:
        headers = self._headers()
        if retry_after_s is not None:
            headers["retry-after"] = f"{retry_after_s:g}"
        if status in {429, 500, 529}:
            headers["x-should-retry"] = "true"
        return web.json_response(
            error_body(kind, text, headers["request-id"]), status=status, headers=headers
        )

    def _headers(self) -> dict[str, str]:
        return {"request-id": f"req_{next(self._numbers):022d}", "anthropic-organization-id": "made-up"}
