"""`/search` and `/similar`: what is alike."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from axiom.knowledge.searching import Kind
from services.control_api.reading import meaning
from services.control_api.reading.models import Answer
from services.control_api.routes.asking import SYMBOL, MinOffset, Read, SymbolPath
from services.control_api.security import VIEWER

router = APIRouter(tags=["likeness"], dependencies=VIEWER)
Count = Annotated[int, Query(ge=1, le=200, description="How many.")]


@router.get("/search", summary="News and companies by what they mean")
async def search(
    read: Read,
    wanted: MinOffset,
    q: Annotated[
        str,
        Query(
            min_length=1, max_length=1000, description="What to look for.", examples=["chip export limits"]
        ),
    ],
    kind: Annotated[Kind | None, Query(description="Only events, or only companies.")] = None,
    symbol: Annotated[str | None, Query(pattern=SYMBOL, description="Only what names this symbol.")] = None,
    since: Annotated[AwareDatetime | None, Query(description="Not before this time.")] = None,
    count: Count = 10,
) -> Answer[list[meaning.Found]]:
    """Out of Chroma, the best first. The query is embedded by what made the stored vectors."""
    offsets = await read.offsets.reached("chroma", wanted)
    kinds = [kind] if kind else list(Kind)
    name = symbol.upper() if symbol else None
    return Answer(data=await meaning.search(read.sources, q, kinds, name, since, count), offsets=offsets)


@router.get("/similar/{symbol}", summary="Which stocks moved like this one")
async def get_similar(
    symbol: SymbolPath, read: Read, wanted: MinOffset, count: Count = 10
) -> Answer[meaning.Alike]:
    """Out of Chroma: the cosine of the last 30 daily returns, standardised and split-adjusted."""
    offsets = await read.offsets.reached("chroma", wanted)
    return Answer(data=await meaning.alike(read.sources, symbol.upper(), count), offsets=offsets)
