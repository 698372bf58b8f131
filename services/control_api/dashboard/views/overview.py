"""The overview's parts in words and colours. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from axiom.errors import AxiomError
from services.control_api.dashboard.views.wording import count, rate, span, spark
from services.control_api.reading.fleet import Part
from services.control_api.reading.flow import Sample
from services.control_api.reading.freshness import TierFreshness
from services.control_api.reading.log import TopicState
from services.control_api.reading.overview import Overview

_STATES = {"ok": ("ok", "good"), "not_ready": ("not ready", "warn"), "away": ("away", "bad")}
_MUCH = 1000
_GOAL_H = {1: 1.0, 2: 6.0, 3: 24.0, 4: 72.0}
"""Hours of trading that a tier's prices may be behind before it shows; the alerts have their own limits."""


class Figure(NamedTuple):
    """A number with what it means; `tone` is its colour."""

    value: str
    about: str
    tone: str = ""


def part_rows(parts: Sequence[Part], kind: str) -> list[dict[str, Any]]:
    """The servers or the services, as rows."""
    return [
        {
            "name": part.name,
            "state": _STATES[part.state][0],
            "state_tone": _STATES[part.state][1],
            "says": part.says[:160] or ("" if part.took_ms is None else f"{part.took_ms:.0f} ms"),
        }
        for part in parts
        if part.kind == kind
    ]


def health(parts: Sequence[Part]) -> Figure:
    """How many parts are well."""
    well = sum(part.state == "ok" for part in parts)
    names = ", ".join(part.name for part in parts if part.state != "ok")
    if not names:
        return Figure(f"{well} of {len(parts)}", "All servers and services answer.", "good")
    worst = "bad" if any(part.state == "away" for part in parts) else "warn"
    return Figure(f"{well} of {len(parts)}", f"Look at {names}.", worst)


def throughput(flow: Sequence[Sample]) -> Figure:
    """Records a second over the last samples."""
    if not flow:
        return Figure("–", "Counting…")
    last = flow[-5:]
    mean: Counter[str] = Counter()
    for sample in last:
        for topic, per_s in sample.per_s.items():
            mean[topic] += per_s / len(last)  # type: ignore[assignment] # a counter of shares is fine
    busiest = [f"{topic} {rate(per_s)}" for topic, per_s in mean.most_common(2) if per_s > 0]
    return Figure(rate(sum(mean.values())), ", ".join(busiest) or "Nothing is written just now.")


def flow_path(flow: Sequence[Sample]) -> str:
    """A sparkline of all records a second."""
    return spark([sample.total_per_s for sample in flow])


def lag(topics: list[TopicState] | AxiomError) -> Figure:
    """The worst consumer."""
    if isinstance(topics, AxiomError):
        return Figure("?", str(topics), "bad")
    lags = [(behind, group, state.topic) for state in topics for group, behind in state.lag.items()]
    total = sum(behind for behind, _, _ in lags)
    if not total:
        return Figure("0", "Every consumer has read all there is.", "good")
    behind, group, topic = max(lags)
    return Figure(
        count(total), f"{group} is {count(behind)} behind in {topic}.", "warn" if behind > _MUCH else ""
    )


def errors(found: Overview) -> Figure:
    """Dead letters that are open, and runs that failed within a day."""
    if isinstance(found.letters, AxiomError):
        return Figure("?", str(found.letters), "bad")
    letters = len(found.letters)
    failed = 0 if isinstance(found.failures, AxiomError) else found.failures.failed
    tone = "bad" if letters else "warn" if failed else "good"
    return Figure(count(letters), f"dead letters are open; {failed} runs failed within a day.", tone)


def graph(found: Overview) -> Figure:
    """How large the graph is."""
    if isinstance(found.graph, AxiomError):
        return Figure("?", str(found.graph), "bad")
    size = found.graph.data
    nodes, edges = sum(size.nodes.values()), sum(size.edges.values())
    density = f", {edges / nodes:.1f} a node" if nodes else ""
    return Figure(count(edges), f"edges between {count(nodes)} nodes{density}.")


def topic_lag_rows(topics: Sequence[TopicState], flow: Sequence[Sample]) -> list[dict[str, Any]]:
    """A row a topic: its rate, and its slowest reader."""
    last = flow[-1].per_s if flow else {}
    rows = []
    for state in topics:
        worst = max(state.lag.values(), default=0)
        rows.append(
            {
                "topic": state.topic,
                "rate": rate(last.get(state.topic, 0.0)),
                "rate_sort": last.get(state.topic, 0.0),
                "records": count(state.records),
                "records_sort": state.records or 0,
                "lag": count(worst) if state.lag else "–",
                "lag_sort": worst,
                "lag_tone": "warn" if worst > _MUCH else "good" if state.lag else "",
            }
        )
    return rows


def tier_rows(found: list[TierFreshness]) -> list[dict[str, Any]]:
    """A row a tier."""
    return [
        {
            "tier": f"T{one.tier}",
            "symbols": count(one.symbols),
            "p50": _behind(one.p50_h),
            "p95": _behind(one.p95_h),
            "p95_tone": _freshness_tone(one),
            "unknown": count(one.unknown),
        }
        for one in found
    ]


def _behind(hours: float | None) -> str:
    return "–" if hours is None else span(hours * 3600)


def _freshness_tone(one: TierFreshness) -> str:
    if one.p95_h is None:
        return ""
    return "good" if one.p95_h <= _GOAL_H.get(one.tier, 72.0) else "warn"
