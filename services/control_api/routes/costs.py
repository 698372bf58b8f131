"""`/budget` and `/metrics/realtime`: what it costs and how it runs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from services.control_api.reading import budget, rates
from services.control_api.reading.models import Answer
from services.control_api.routes.asking import CONTROL, Read
from services.control_api.security import VIEWER

router = APIRouter(tags=["costs and rates"], dependencies=[*VIEWER, CONTROL])


@router.get("/budget", summary="What Claude costs")
async def get_budget(
    read: Read, days: Annotated[int, Query(ge=1, le=400, description="Days to tell of, today included.")] = 31
) -> Answer[budget.Budget]:
    """By day, pipeline and model, and what the caps leave. No store is read, so there are no offsets."""
    return Answer(data=await budget.budget(read.sources, read.clock, days), offsets={})


@router.get("/metrics/realtime", summary="The system at one look")
async def get_realtime(read: Read) -> Answer[rates.Realtime]:
    """Records a second, lag, active pipelines, the graph's size and density, what Claude did today."""
    size = await read.graph_stats.get()
    found = await rates.realtime(read.sources, read.clock, read.rates, read.topics, size.data)
    return Answer(data=found, offsets=size.offsets)
