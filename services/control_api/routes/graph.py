"""`/graph`: its size, what lies around a company, and where an edge comes from."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from services.control_api.reading import graph
from services.control_api.reading.models import Answer
from services.control_api.routes.asking import MinOffset, Read, SymbolPath
from services.control_api.security import VIEWER

router = APIRouter(tags=["graph"], dependencies=VIEWER)
End = Annotated[str, Path(pattern=r"^[A-Za-z0-9^][A-Za-z0-9.^=\-]{0,31}$", examples=["AAPL"])]
Relation = Annotated[
    str,
    Path(
        pattern=r"^[A-Za-z_\-]{1,40}$",
        description="AFFECTS, EXPOSES, COMPETES_WITH, SECTOR_PEER, SUPPLIES or CORRELATED_WITH.",
        examples=["COMPETES_WITH"],
    ),
]


@router.get("/graph/stats", summary="How large the graph is")
async def get_stats(read: Read, wanted: MinOffset) -> Answer[graph.GraphStats]:
    """Nodes and edges by kind, and the density; at most two seconds old unless `min_offset` asks for more."""
    if not wanted:
        return await read.graph_stats.get()
    offsets = await read.offsets.reached("neo4j", wanted)
    return Answer(data=await graph.stats(read.sources), offsets=offsets)


@router.get("/graph/company/{symbol}", summary="What lies around a company")
async def get_company(
    symbol: SymbolPath,
    read: Read,
    wanted: MinOffset,
    depth: Annotated[int, Query(ge=1, le=4, description="Steps away from it.")] = 1,
    most: Annotated[int, Query(ge=1, le=100, description="Edges of each node, the newest.")] = 25,
) -> Answer[graph.Neighbourhood]:
    """Steps lead through companies and events, not through sectors and industries, which join everything."""
    offsets = await read.offsets.reached("neo4j", wanted)
    return Answer(data=await graph.neighbourhood(read.sources, symbol.upper(), depth, most), offsets=offsets)


@router.get("/graph/edges/{subject}/{relation}/{other}", summary="Where an edge comes from")
async def get_edge(
    subject: End, relation: Relation, other: End, read: Read, wanted: MinOffset
) -> Answer[graph.EdgeOrigin]:
    """Which event, sentence and model, at what cost. The subject of AFFECTS and EXPOSES is an event."""
    offsets = await read.offsets.reached("neo4j", wanted) | await read.offsets.reached("postgres", wanted)
    return Answer(data=await graph.edge_origin(read.sources, subject, relation, other), offsets=offsets)
