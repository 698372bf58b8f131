"""The graph as ECharts draws it, and an edge's origin in words. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from axiom.knowledge.origin import Origin
from services.control_api.dashboard.views.wording import moment, web_address
from services.control_api.reading.picture import Edge

KINDS = ("Company", "MarketEvent", "Sector", "Industry")
_COLOURS = {"Company": "#3b82f6", "MarketEvent": "#f59e0b", "Sector": "#10b981", "Industry": "#14b8a6"}
EDGE_COLOURS = {
    "AFFECTS": "#f59e0b",
    "EXPOSES": "#ef4444",
    "COMPETES_WITH": "#a855f7",
    "SECTOR_PEER": "#0ea5e9",
    "SUPPLIES": "#22c55e",
    "CORRELATED_WITH": "#64748b",
    "IN_SECTOR": "#10b981",
    "IN_INDUSTRY": "#14b8a6",
}
_LONGEST_NAME = 60
_GREY = "#8b95a5"
EXPLAINED = frozenset(EDGE_COLOURS) - {"IN_SECTOR", "IN_INDUSTRY"}
"""Relations whose origin can be asked for; the others come from a company's profile."""


def edge_key(edge: Edge) -> str:
    """Names an edge on the page."""
    return f"{edge.from_key} {edge.type} {edge.to_key} {edge.window or ''}".strip()


def graph_options(edges: Sequence[Edge]) -> dict[str, Any]:
    """ECharts' options of a force layout; a node's size says how many edges it has here.

    Texts of others stand only in values, which a canvas draws: a key that starts with a colon would be run.
    """
    degree: Counter[str] = Counter()
    nodes: dict[str, dict[str, Any]] = {}
    for edge in edges:
        for kind, key, name in (
            (edge.from_kind, edge.from_key, edge.from_name), (edge.to_kind, edge.to_key, edge.to_name),
        ):  # fmt: skip
            degree[f"{kind}:{key}"] += 1
            nodes.setdefault(f"{kind}:{key}", _node(kind, key, name))
    for node_id, node in nodes.items():
        node["symbolSize"] = min(34, 8 + 3 * degree[node_id] ** 0.7)
        node["label"]["show"] = node["category"] == 0 and degree[node_id] >= _labelled_from(len(nodes))
    return _options(list(nodes.values()), [_link(edge) for edge in edges])


def _labelled_from(nodes: int) -> int:
    return 1 if nodes <= 80 else 2 if nodes <= 200 else 4


def _node(kind: str, key: str, name: str | None) -> dict[str, Any]:
    shown = key if kind == "Company" or not name else name[:_LONGEST_NAME]
    category = KINDS.index(kind) if kind in KINDS else 0
    return {"id": f"{kind}:{key}", "name": shown, "value": name or key, "category": category, "label": {}}


def _link(edge: Edge) -> dict[str, Any]:
    return {
        "source": f"{edge.from_kind}:{edge.from_key}",
        "target": f"{edge.to_kind}:{edge.to_key}",
        "value": edge_key(edge),
        "lineStyle": {
            "color": EDGE_COLOURS.get(edge.type, _GREY),
            "width": 1 + 2 * abs(edge.weight or 0.0),
            "type": "dashed" if edge.type == "EXPOSES" else "solid",
        },
    }


def _options(nodes: list[dict[str, Any]], links: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        # Texts from outside are drawn, never made HTML.
        "tooltip": {"renderMode": "richText", "confine": True},
        "legend": {"data": list(KINDS), "textStyle": {"color": _GREY}, "bottom": 0, "icon": "circle"},
        "animationDurationUpdate": 300,
        "series": [
            {
                "type": "graph",
                "layout": "force",
                "roam": True,
                "draggable": True,
                "categories": [{"name": kind, "itemStyle": {"color": _COLOURS[kind]}} for kind in KINDS],
                "data": nodes,
                "links": links,
                "edgeSymbol": ["none", "arrow"],
                "edgeSymbolSize": 5,
                "label": {"position": "right", "color": _GREY, "fontSize": 11},
                "emphasis": {"focus": "adjacency", "lineStyle": {"width": 4}},
                "force": {"repulsion": 70, "edgeLength": [25, 80], "gravity": 0.14, "friction": 0.3},
                "bottom": 40,
                "lineStyle": {"opacity": 0.65, "curveness": 0.05},
            }
        ],
    }


def edge_rows(edges: Sequence[Edge]) -> list[dict[str, Any]]:
    """The edges as a table: for keyboards, small screens, and those who don't see the picture."""
    return [
        {
            "key": edge_key(edge),
            "edge": f"{_end(edge.from_key, edge.from_name, edge.from_kind)} → {edge.to_key}",
            "type": edge.type.replace("_", " ").lower(),
            "weight": "–" if edge.weight is None else f"{edge.weight:.2f}",
            "weight_sort": edge.weight or 0.0,
            "method": edge.method or "",
            "when": moment(edge.when),
        }
        for edge in edges
    ]


def _end(key: str, name: str | None, kind: str) -> str:
    return key if kind == "Company" else f"“{(name or key)[:_LONGEST_NAME]}”"


def origin_facts(found: Origin) -> list[tuple[str, str]]:
    """Where the edge comes from: the statement that counts, in the order in which people ask."""
    facts: list[tuple[str, str]] = []
    for row in found.correlations[:1]:
        facts += [
            ("Correlation", f"{row['r']:+.3f} over {row['window']}"),
            ("Computed of", f"{row['n']} returns, p = {row['p_value']:.2g}"),
            ("As of", moment(row["as_of"])),
        ]
    statement = counting(found)
    if statement is None:
        return facts
    facts += [
        ("Read by", f"{statement['method']}, model {statement['model']}, {statement['prompt_version']}"),
        ("Cost", f"${statement['cost_usd']} for all that was read in this event"),
        ("Confidence", f"{statement['confidence']:.2f}"),
        ("Sentiment", statement.get("sentiment") or "–"),
        ("Happened", moment(statement["event_time"])),
        ("Fetched", moment(statement["ingested_at"])),
        ("Companies by", f"list {statement['universe']}"),
        ("Statements", str(max(len(found.statements), 1))),
    ]
    return facts


def counting(found: Origin) -> Mapping[str, Any] | None:
    """The statement that counts: PostgreSQL's newest, else what the edge itself carries."""
    for row in (*found.statements[:1], *found.edges[:1]):
        if dict(row).get("model"):
            return dict(row)
    return None


def sentences(found: Origin) -> list[tuple[str, str]]:
    """The words that the edge rests on, each with what they are."""
    statement = counting(found)
    if statement is None:
        return []
    said = [("Evidence", statement.get("evidence")), ("Explanation", statement.get("explanation"))]
    event = found.events.get(statement["cause"])
    if event is not None:
        said.insert(0, ("Headline", event["title"]))
    return [(what, text) for what, text in said if text]


def article_url(found: Origin) -> str | None:
    """The article's address where it is one that a browser may be sent to."""
    statement = counting(found)
    event = found.events.get(statement["cause"]) if statement else None
    return web_address(event["url"]) if event else None
