"""The OpenAPI document: FastAPI's, with the errors that every route may answer."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from services.control_api.problems import MEDIA_TYPE, Problem

_ABOUT = """\
Reads stores and topics; takes wishes about jobs and dead letters.

Every route but `/health` needs `Authorization: Bearer TOKEN`; a viewer reads, an operator also steers.

**Offsets.** Every answer that was read from a store carries, in `offsets`, the store's vector: of each
partition the first offset that is not in it yet, read before the data. So the data are at least that new.

**Read your writes.** `min_offset=price-updates-3@1204` waits until the record at that offset is in the store,
or answers 504. Errors are `application/problem+json`."""

_ANYWHERE = {
    "400": "The request is malformed.",
    "401": "No token, or a wrong one.",
    "403": "The token's role does not allow this.",
    "413": "The body is too large.",
    "421": "No such host is served here.",
    "422": "The request is understood and can't be done; `detail` says why.",
    "429": "Too many requests; `Retry-After` says when to come again.",
    "500": "The server failed; its log says why.",
    "503": "A server is down, or too many clients are connected; `Retry-After` says when to come again.",
}
_OF_READS = {"504": "`min_offset` was not reached in time."}
_OF_ONE = {"404": "There is no such thing."}


def describe(app: FastAPI) -> None:
    """Have the app give the completed document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _complete(
                get_openapi(title=app.title, version=app.version, description=_ABOUT, routes=app.routes)
            )
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign] # FastAPI's own way to extend the document


def _complete(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs", {}) | {"Problem": problem}
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    for path, methods in document["paths"].items():
        for operation in methods.values():
            operation["responses"] |= _problems(path, operation)
    return document


def _problems(path: str, operation: dict[str, Any]) -> dict[str, Any]:
    told = dict(_ANYWHERE)
    if not operation.get("security"):
        told = {status: what for status, what in told.items() if status not in {"401", "403"}}
    if any(parameter["name"] == "min_offset" for parameter in operation.get("parameters", ())):
        told |= _OF_READS
    if "{" in path:
        told |= _OF_ONE
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": what, "content": content} for status, what in sorted(told.items())}
