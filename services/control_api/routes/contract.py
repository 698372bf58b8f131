"""`/openapi.json`: the contract of the API itself."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from starlette.requests import HTTPConnection

from services.control_api.security import VIEWER

router = APIRouter(dependencies=VIEWER)


@router.get("/openapi.json", include_in_schema=False)
async def get_openapi(connection: HTTPConnection) -> JSONResponse:
    """The OpenAPI document."""
    document: dict[str, Any] = connection.app.openapi()
    return JSONResponse(document)
