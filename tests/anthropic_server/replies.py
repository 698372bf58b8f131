"""What the server answers, in the shapes that the API was recorded with, and what it charges."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

Kind = Literal["answer", "refusal", "truncated", "malformed", "status", "cut", "garbage"]

# US dollars for a million tokens: input, output, cache read, cache write. Kept apart from Axiom's own table.
PRICES = {
    "claude-haiku-5-5": ("0.10", "0.50", "0.01", "0.125"),
    "claude-sonnet-5-5": ("2", "10", "0.2", "2.5"),
    "claude-opus-5-5": ("4", "20", "0.4", "5"),
    "claude-haiku-4-5": ("1", "5", "0.1", "1.25"),
}
ERROR_TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error",
    404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error", 500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}  # fmt: skip
CACHED_FROM_TOKENS = 1024


@dataclass(frozen=True)
class Reply:
    """How to answer one request.

    Attributes:
        kind: `answer` (text, or the smallest instance of the schema), `refusal`, `truncated` at max_tokens,
            `malformed`: text that is no JSON; `status`: an error; `cut`: the connection breaks in the middle
            of the reply; `garbage`: a reply that is no message.
        delay_s: wait before answering.
    """

    kind: Kind = "answer"
    text: str | None = None
    status: int = 500
    retry_after_s: float | None = None
    delay_s: float = 0.0


Script = Callable[[dict[str, Any]], "Reply | Mapping[str, Any] | str"]


def as_reply(given: Reply | Mapping[str, Any] | str) -> Reply:
    """What a script gives: a reply, or an answer as JSON or text."""
    if isinstance(given, Reply):
        return given
    return Reply(text=given if isinstance(given, str) else json.dumps(given))


def prompt_of(body: Mapping[str, Any]) -> str:
    """The last turn's text."""
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else "".join(block["text"] for block in content)


def system_of(body: Mapping[str, Any]) -> str:
    """The system prompt's text."""
    system = body.get("system") or ""
    return system if isinstance(system, str) else "".join(block["text"] for block in system)


def input_of(body: Mapping[str, Any]) -> str:
    """What tells one input from another."""
    parts = [body["model"], system_of(body), prompt_of(body)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


@dataclass
class Books:
    """What was asked and charged, counted by the server for itself."""

    requests: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    paid: Counter[str] = field(default_factory=Counter)
    bill_usd: Decimal = Decimal(0)
    refused: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    _cached: set[str] = field(default_factory=set)

    def charge(self, body: dict[str, Any], text: str, *, batch: bool = False) -> dict[str, Any]:
        """The usage of a call that produced `text`; it is on the bill from now on."""
        prefix = self._cached_prefix(body)
        prefix_tokens = len(prefix.encode()) // 4
        plain = (len(system_of(body).encode()) - len(prefix.encode()) + len(prompt_of(body).encode())) // 4
        read = prefix_tokens if prefix in self._cached else 0
        written = prefix_tokens - read
        if prefix:
            self._cached.add(prefix)
        tokens = (plain + 200, min(len(text) // 4 + 1, body["max_tokens"]), read, written)
        cost = sum(count * Decimal(price) for count, price in zip(tokens, PRICES[body["model"]], strict=True))
        self.bill_usd += cost / 1_000_000 / (2 if batch else 1)
        self.paid[input_of(body)] += 1
        return {
            "input_tokens": tokens[0],
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": read,
            "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
            "output_tokens": tokens[1],
            "service_tier": "batch" if batch else "standard",
            "inference_geo": "not_available",
        }

    def _cached_prefix(self, body: Mapping[str, Any]) -> str:
        system = body.get("system")
        if not isinstance(system, list) or not any("cache_control" in block for block in system):
            return ""
        text = system_of(body)
        return text if len(text.encode()) // 4 >= CACHED_FROM_TOKENS else ""


def message(
    body: dict[str, Any], reply: Reply, books: Books, number: int, *, batch: bool = False
) -> dict[str, Any]:
    """A message in the API's shape."""
    text, stop_reason = written(body, reply)
    usage = books.charge(body, text, batch=batch)
    if reply.kind == "truncated":
        usage["output_tokens"] = body["max_tokens"]
    return {
        "model": body["model"],
        "id": f"msg_{number:024d}",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": text}] if text else [],
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "stop_details": {"type": "refusal", "category": "cyber", "explanation": "This request was refused."}
        if reply.kind == "refusal"
        else None,
        "usage": usage,
    }


def written(body: Mapping[str, Any], reply: Reply) -> tuple[str, str]:
    """The model's text, and why it stopped."""
    schema = ((body.get("output_config") or {}).get("format") or {}).get("schema")
    text = (
        reply.text if reply.text is not None else json.dumps(smallest(schema, schema) if schema else "Yes.")
    )
    match reply.kind:
        case "refusal":
            return "", "refusal"
        case "truncated":
            return text[: len(text) // 2], "max_tokens"
        case "malformed":
            return text[:-1] + ",,", "end_turn"
        case _:
            return text, "end_turn"


def smallest(node: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """The smallest value that a schema allows."""
    if "$ref" in node:
        return smallest(root["$defs"][node["$ref"].rpartition("/")[2]], root)
    for key in ("const", "enum", "anyOf", "allOf"):
        if key in node:
            if key == "const":
                return node[key]
            return node[key][0] if key == "enum" else smallest(node[key][0], root)
    match node.get("type"):
        case "object":
            return {name: smallest(node["properties"][name], root) for name in node.get("required", ())}
        case "array":
            return [smallest(node["items"], root)] if node.get("minItems") else []
        case "string":
            return ""
        case "integer" | "number":
            return 0
        case "boolean":
            return False
        case _:
            return None


def error_body(kind: str, text: str, request_id: str) -> dict[str, Any]:
    """An error in the API's shape."""
    return {"type": "error", "error": {"type": kind, "message": text}, "request_id": request_id}
