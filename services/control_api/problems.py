"""Errors as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from axiom.errors import AxiomError, LogMismatch, Misconfigured, Permanent, Transient
from axiom.knowledge.around import NotInGraph
from axiom.knowledge.searching import NothingThere
from axiom.knowledge.similar import NoShape
from axiom.telemetry.logs import get_logger

MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_S = 1.0
log = get_logger()


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    where: str = Field(examples=["query.min_offset"])
    what: str


class Problem(BaseModel):
    """What went wrong, and what to do."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:axiom:problem:unauthorized",
                    "title": "Unauthorized",
                    "status": 401,
                    "detail": "send `Authorization: Bearer TOKEN`; `axiom token` shows the tokens",
                }
            ]
        }
    )
    type: str = Field(description="Names the kind of problem for programs.")
    title: str
    status: int
    detail: str
    faults: list[Fault] | None = Field(default=None, description="Of an invalid request, each thing wrong.")


class Refused(AxiomError):
    """A request that can't be served; becomes a problem with this status."""

    def __init__(
        self, status: HTTPStatus, detail: str, *, kind: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind or status.phrase.lower().replace(" ", "-")
        self.headers = dict(headers or {})


def not_found(detail: str) -> Refused:
    """404: there is no such thing."""
    return Refused(HTTPStatus.NOT_FOUND, detail)


def invalid(detail: str) -> Refused:
    """422: the request is understood and can't be done."""
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, detail, kind="invalid-request")


def body_of(refused: Refused, faults: list[Fault] | None = None) -> dict[str, Any]:
    """A refusal as the JSON of a problem."""
    problem = Problem(
        type=f"urn:axiom:problem:{refused.kind}",
        title=refused.status.phrase,
        status=refused.status,
        detail=str(refused),
        faults=faults,
    )
    return problem.model_dump(exclude_none=True)


def answer(refused: Refused, faults: list[Fault] | None = None) -> JSONResponse:
    """A refusal as a response."""
    return JSONResponse(
        body_of(refused, faults), refused.status, headers=refused.headers, media_type=MEDIA_TYPE
    )


def translated(error: Exception) -> Refused:
    """What an error of the library is to a client."""
    match error:
        case Refused():
            return error
        case Transient():
            wait_s = error.retry_after_s or _RETRY_AFTER_S
            headers = {"Retry-After": str(max(1, round(wait_s)))}
            return Refused(HTTPStatus.SERVICE_UNAVAILABLE, str(error), kind="store-down", headers=headers)
        case Permanent():
            return invalid(str(error))
        case LogMismatch():
            return Refused(HTTPStatus.SERVICE_UNAVAILABLE, str(error), kind="log-mismatch")
        case NotInGraph() | NoShape() | NothingThere():
            return not_found(str(error))
        case Misconfigured():
            return Refused(HTTPStatus.SERVICE_UNAVAILABLE, str(error), kind="misconfigured")
        case _:
            return Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "the server failed; its log says why")


def add_handlers(app: FastAPI) -> None:
    """Have every error of the app answered as a problem."""

    async def ours(_: Request, error: Exception) -> JSONResponse:
        return answer(translated(error))

    async def unforeseen(request: Request, error: Exception) -> JSONResponse:
        log.error("request_failed", path=request.url.path, error=repr(error), exc_info=error)
        return answer(translated(error))

    async def http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
        status = HTTPStatus(error.status_code)
        return answer(Refused(status, str(error.detail), headers=error.headers))

    async def malformed(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
        faults = [
            Fault(where=".".join(map(str, fault["loc"])), what=str(fault["msg"])) for fault in error.errors()
        ]
        told = "; ".join(f"{fault.where}: {fault.what}" for fault in faults)
        return answer(invalid(told), faults)

    app.add_exception_handler(AxiomError, ours)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(Exception, unforeseen)
