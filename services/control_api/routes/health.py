"""`/health`: whether the API serves; the one route that needs no token."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from starlette.requests import HTTPConnection

from axiom.telemetry.health import Health
from services.control_api.reading.models import Model

router = APIRouter(tags=["health"])


class HealthState(Model):
    """What everyone may know."""

    service: str
    status: Literal["ok", "not_ready"]


@router.get("/health", summary="Whether the API serves")
async def get_health(connection: HTTPConnection) -> HealthState:
    """Needs no token. More is said at the service's health port."""
    health: Health = connection.app.state.health
    return HealthState(service=health.service, status="not_ready" if health.not_ready else "ok")
