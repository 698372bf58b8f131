"""The job risk_propagation: whom severe events reach that they do not name, and along which path.

The signs of weights are those that were found: shocks spread along supply chains both ways (Barrot and
Sauvagnat 2016, Input specificity and the propagation of idiosyncratic shocks in production networks), to
competitors with the same sign on the whole (Lang and Stulz 1992, Contagion and competitive intra-industry
effects of bankruptcy announcements), and between stocks as they correlate. Their sizes are ours.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from axiom.analysis.diffusion import Exposure, Link, Spread, exposures
from services.analyst.market import Market
from services.analyst.settings import AnalystSettings
from topics import market_events
from topics.graph_mutations import GraphMutation

TO_CUSTOMER, TO_SUPPLIER, TO_COMPETITOR, TO_CORRELATED = 0.6, 0.4, 0.25, 0.5
MODEL = "diffusion-1"
SAME = 0.01
"""Impacts that differ by less are not told again."""


@dataclass(frozen=True, slots=True)
class Severe:
    """A severe event and what it means for the companies that it names, from -1 to 1."""

    event_id: str
    title: str
    published_at: datetime
    fetched_at: datetime
    impacts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Propagated:
    """What became of a run; `exposed` counts what holds, `mutations` is what is news."""

    events: Sequence[Severe]
    links: int
    exposed: int
    mutations: Sequence[GraphMutation]


async def propagate(market: Market, settings: AnalystSettings, now: datetime) -> Propagated:
    """Diffuse the severe events before `now` over the graph as it stands."""
    events = await severe_events(market, settings, now)
    if not events:
        return Propagated((), 0, 0, ())
    links = await _links(market)
    found = await asyncio.to_thread(
        exposures, [event.impacts for event in events], links, Spread(least=settings.min_exposure)
    )
    told = await market.exposed([event.event_id for event in events])
    mutations = [
        mutation
        for event, own in zip(events, found, strict=True)
        for mutation in _news(event, own, told.get(event.event_id, {}), now)
    ]
    return Propagated(events, len(links), sum(map(len, found)), mutations)


async def severe_events(market: Market, settings: AnalystSettings, now: datetime) -> list[Severe]:
    """The events of the last days that are severe, or mean much for a company that they affect."""
    since = now - timedelta(hours=settings.events_h)
    rows = {row["event_id"]: row for row in await market.recent_events(since, now)}
    impacts: dict[str, dict[str, float]] = {}
    for row in await market.affected(list(rows)):
        impacts.setdefault(row["subject"], {})[row["object"]] = row["sentiment_score"] * row["confidence"]
    return [
        Severe(event_id, row["title"], row["published_at"], row["fetched_at"], impacts[event_id])
        for event_id, row in rows.items()
        if event_id in impacts and _is_severe(row["severity"], impacts[event_id], settings.min_severity)
    ]


def _is_severe(severity: float | None, impacts: Mapping[str, float], least: float) -> bool:
    return max(severity or 0.0, *map(abs, impacts.values())) >= least


async def _links(market: Market) -> list[Link]:
    relations, correlated = await market.relations(), await market.correlated()
    return [link for row in relations for link in _of_relation(row)] + [
        link for row in correlated for link in _both_ways(row["symbol_a"], row["symbol_b"], row["r"])
    ]


def _of_relation(row: Mapping[str, Any]) -> Iterator[Link]:
    one, other, sure = row["subject"], row["object"], row["confidence"]
    if row["kind"] == "supplies":
        yield Link(one, other, "supplies", TO_CUSTOMER * sure, sure)
        yield Link(other, one, "buys from", TO_SUPPLIER * sure, sure)
    else:
        yield Link(one, other, "competes with", TO_COMPETITOR * sure, sure)
        yield Link(other, one, "competes with", TO_COMPETITOR * sure, sure)


def _both_ways(one: str, other: str, r: float) -> Iterator[Link]:
    for source, target in ((one, other), (other, one)):
        yield Link(source, target, "correlates with", TO_CORRELATED * r, abs(r))


def _news(
    event: Severe, found: Sequence[Exposure], told: Mapping[str, tuple[float, str]], now: datetime
) -> Iterator[GraphMutation]:
    """What differs from what is published: exposures that came or changed, and those that are gone."""
    for exposure in found:
        impact, path = _rounded(exposure.impact), explained(event, exposure)
        held = told.get(exposure.company)
        if held is None or abs(held[0] - impact) >= SAME or held[1] != path:
            sure = min(link.confidence for link in exposure.path)
            yield _mutation(event, exposure.company, impact, sure, path, now)
    for company in sorted(told.keys() - {exposure.company for exposure in found}):
        if told[company][0]:
            yield _mutation(event, company, 0.0, 0.0, "no path leads there any more", now)


def explained(event: Severe, exposure: Exposure) -> str:
    """The path in words: `AMD is affected; AMD buys from TSM; TSM correlates with ASML`."""
    first = exposure.path[0].source
    steps = [f"{link.source} {link.relation} {link.target}" for link in exposure.path]
    return "; ".join([f"{first} is {_how(event.impacts[first])} affected", *steps])


def _how(impact: float) -> str:
    return "well" if impact > 0 else "badly" if impact < 0 else "hardly"


def _mutation(
    event: Severe, company: str, impact: float, confidence: float, path: str, now: datetime
) -> GraphMutation:
    topic = market_events.TOPIC.name
    named = (topic, event.event_id, "exposes", event.event_id, company)
    return GraphMutation(
        mutation_id=hashlib.blake2b("\0".join(named).encode(), digest_size=16).hexdigest(),
        kind="exposes",
        subject=event.event_id,
        object=company,
        sentiment="positive" if impact > 0 else "negative" if impact < 0 else "neutral",
        sentiment_score=impact,
        confidence=_rounded(confidence),
        explanation=path,
        cause_topic=topic,
        cause=event.event_id,
        method="diffusion",
        model=MODEL,
        prompt_version="none",
        universe="none",
        reading=int(now.timestamp()),
        cost_usd="0",
        event_time=event.published_at,
        ingested_at=event.fetched_at,
    )


def _rounded(value: float) -> float:
    return round(min(max(value, -1.0), 1.0), 4)
