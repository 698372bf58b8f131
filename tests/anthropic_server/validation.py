"""What the API refuses, by its reference of Messages and Batches and its page on structured outputs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

MODELS = ("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-4-5")
VERSIONS = ("2023-06-01", "2026-10-21")  # the second is what SDK 2.12 sends
MAX_OUTPUT = 64_000
EFFORTS = ("low", "medium", "high", "xhigh", "max")
FIELDS = {
    "model", "messages", "max_tokens", "system", "output_config", "metadata", "stop_sequences", "stream",
    "temperature", "top_k", "top_p", "tools", "tool_choice", "thinking", "service_tier", "cache_control",
}  # fmt: skip
NO_LONGER = ("temperature", "top_p", "top_k")
CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
KEYWORDS = {
    "type", "properties", "required", "additionalProperties", "items", "minItems", "enum", "const", "anyOf",
    "allOf", "$ref", "$defs", "definitions", "description", "title", "default", "format", "pattern",
}  # fmt: skip
TYPES = {"object", "array", "string", "integer", "number", "boolean", "null"}
FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
MAX_OPTIONAL, MAX_UNIONS = 24, 16


class Refused(Exception):
    """A request that the API answers with an error."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.kind = status, kind


def bad(message: str) -> Refused:
    return Refused(400, "invalid_request_error", message)


def check_headers(headers: Mapping[str, str], key: str) -> None:
    """Key and version. The key comes in `x-api-key`, or as a bearer token, as SDK 2.12 sends it."""
    given = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
    if not given:
        raise Refused(401, "authentication_error", "x-api-key header is required")
    if given != key:
        raise Refused(401, "authentication_error", "invalid x-api-key")
    if headers.get("anthropic-version") not in VERSIONS:
        raise bad("anthropic-version: header is required")


def check_message(body: Any) -> None:
    """The parameters of one message."""
    if not isinstance(body, dict):
        raise bad("body: Input should be an object")
    for name in ("model", "max_tokens", "messages"):
        if name not in body:
            raise bad(f"{name}: Field required")
    if unknown := sorted(body.keys() - FIELDS):
        raise bad(f"{unknown[0]}: Extra inputs are not permitted")
    if body["model"] not in MODELS:
        raise Refused(404, "not_found_error", f"model: {body['model']}")
    limit = body["max_tokens"]
    if type(limit) is not int or limit < 1:
        raise bad("max_tokens: Input should be greater than or equal to 1")
    if limit > MAX_OUTPUT:
        raise bad(f"max_tokens: {limit} > {MAX_OUTPUT}, which is the maximum allowed number of output tokens")
    _check_sampling(body)
    _check_system(body.get("system"))
    _check_turns(body["messages"])
    _check_output(body)


def _check_sampling(body: Mapping[str, Any]) -> None:
    if body["model"].endswith("-5-5"):
        for name in NO_LONGER:
            if name in body:
                raise bad(f"{name}: is not supported by this model")
        if body.get("tool_choice", {}).get("type") in {"any", "tool"}:
            raise bad("tool_choice: forced tool use is not supported by this model")
    if body.get("stream"):
        raise bad("stream: this server does not stream")


def _check_system(system: Any) -> None:
    if system is None or isinstance(system, str):
        return
    if not isinstance(system, list):
        raise bad("system: Input should be a valid string or list")
    for number, block in enumerate(system):
        _check_block(block, f"system.{number}")
    if sum("cache_control" in block for block in system) > 4:
        raise bad("A maximum of 4 blocks with cache_control may be provided")


def _check_block(block: Any, where: str) -> None:
    if not isinstance(block, dict) or block.get("type") != "text":
        raise bad(f"{where}.type: Input should be 'text'")
    if unknown := sorted(block.keys() - {"type", "text", "cache_control", "citations"}):
        raise bad(f"{where}.{unknown[0]}: Extra inputs are not permitted")
    if not isinstance(block.get("text"), str) or not block["text"]:
        raise bad(f"{where}: text content blocks must be non-empty")
    if block.get("cache_control", {"type": "ephemeral"}).get("type") != "ephemeral":
        raise bad(f"{where}.cache_control.type: Input should be 'ephemeral'")


def _check_turns(turns: Any) -> None:
    if not isinstance(turns, list) or not turns:
        raise bad("messages: at least one message is required")
    for number, turn in enumerate(turns):
        if not isinstance(turn, dict) or turn.keys() != {"role", "content"}:
            raise bad(f"messages.{number}: role and content are required, and nothing else")
        if turn["role"] not in {"user", "assistant"}:
            raise bad(f"messages.{number}.role: Input should be 'user' or 'assistant'")
        if isinstance(turn["content"], str):
            if not turn["content"].strip():
                raise bad(f"messages.{number}: text content must be non-empty")
        elif isinstance(turn["content"], list) and turn["content"]:
            for place, block in enumerate(turn["content"]):
                _check_block(block, f"messages.{number}.content.{place}")
        else:
            raise bad(f"messages.{number}.content: Input should be a valid string or list")
    if turns[0]["role"] != "user":
        raise bad("messages: first message must use the user role")


def _check_output(body: Mapping[str, Any]) -> None:
    config = body.get("output_config")
    if config is None:
        return
    if not isinstance(config, dict) or (
        unknown := sorted(config.keys() - {"effort", "format", "task_budget"})
    ):
        raise bad(f"output_config.{unknown[0]}: Extra inputs are not permitted")
    if config.get("effort") not in {None, *EFFORTS}:
        raise bad(f"output_config.effort: Input should be one of {EFFORTS}")
    form = config.get("format")
    if form is None:
        return
    if not isinstance(form, dict) or form.keys() != {"type", "schema"} or form["type"] != "json_schema":
        raise bad("output_config.format: type 'json_schema' and a schema are required")
    if body["messages"][-1]["role"] == "assistant":
        raise bad("messages: prefilling the assistant's turn can't be used with output_config.format")
    check_schema(form["schema"])


def check_schema(schema: Any) -> None:
    """The subset of JSON Schema that structured output takes."""
    nodes = list(_nodes(schema, "schema"))
    for where, node in nodes:
        _check_node(node, where)
    optional = sum(
        len(node.get("properties", {}).keys() - set(node.get("required", ()))) for _, node in nodes
    )
    if optional > MAX_OPTIONAL:
        raise bad(f"output_config.format.schema: {optional} optional parameters; {MAX_OPTIONAL} are allowed")
    unions = sum("anyOf" in node for _, node in nodes)
    if unions > MAX_UNIONS:
        raise bad(f"output_config.format.schema: {unions} unions; {MAX_UNIONS} are allowed")
    _check_recursion(schema)


def _nodes(node: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(node, dict):
        raise bad(f"output_config.format.{where}: Input should be an object")
    yield where, node
    for group in ("properties", "$defs", "definitions"):
        for name, inner in node.get(group, {}).items():
            yield from _nodes(inner, f"{where}.{group}.{name}")
    for group in ("anyOf", "allOf"):
        for number, inner in enumerate(node.get(group, ())):
            yield from _nodes(inner, f"{where}.{group}.{number}")
    if "items" in node:
        yield from _nodes(node["items"], f"{where}.items")


def _check_node(node: Mapping[str, Any], where: str) -> None:
    at = f"output_config.format.{where}"
    kind = node.get("type")
    if unknown := sorted(node.keys() - KEYWORDS):
        raise bad(f"{at}: For '{kind}' type, property '{unknown[0]}' is not supported")
    if kind is not None and kind not in TYPES:
        raise bad(f"{at}.type: {kind!r} is not supported")
    if kind == "object" and node.get("additionalProperties") is not False:
        raise bad(f"{at}: For 'object' type, 'additionalProperties' must be explicitly set to false")
    if node.get("minItems", 0) not in {0, 1}:
        raise bad(f"{at}: For 'array' type, 'minItems' values other than 0 or 1 are not supported")
    if "format" in node and node["format"] not in FORMATS:
        raise bad(f"{at}: For 'string' type, format {node['format']!r} is not supported")
    if any(isinstance(value, list | dict) for value in node.get("enum", ())):
        raise bad(f"{at}: enum values must be strings, numbers, booleans or null")
    if not str(node.get("$ref", "#")).startswith("#"):
        raise bad(f"{at}: external $ref is not supported")


def _check_recursion(schema: Mapping[str, Any]) -> None:
    definitions = {**schema.get("$defs", {}), **schema.get("definitions", {})}

    def walk(node: Any, above: tuple[str, ...]) -> None:
        for _, inner in _nodes(node, "schema"):
            name = str(inner.get("$ref", "")).rpartition("/")[2]
            if name in above:
                raise bad("output_config.format.schema: recursive schemas are not supported")
            if name in definitions:
                walk(definitions[name], (*above, name))

    walk({key: value for key, value in schema.items() if key not in {"$defs", "definitions"}}, ())


def check_batch(body: Any) -> None:
    """A batch as a whole; the parameters of its requests are checked when they are worked on."""
    if not isinstance(body, dict) or body.keys() != {"requests"}:
        raise bad("requests: Field required, and nothing else")
    requests = body["requests"]
    if not isinstance(requests, list) or not 1 <= len(requests) <= 100_000:
        raise bad("requests: List should have between 1 and 100000 items")
    seen = set()
    for number, one in enumerate(requests):
        if not isinstance(one, dict) or one.keys() != {"custom_id", "params"}:
            raise bad(f"requests.{number}: custom_id and params are required, and nothing else")
        if not isinstance(one["custom_id"], str) or not CUSTOM_ID.fullmatch(one["custom_id"]):
            raise bad(f"requests.{number}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'")
        if one["custom_id"] in seen:
            raise bad(f"requests.{number}.custom_id: must be unique within the batch")
        seen.add(one["custom_id"])
