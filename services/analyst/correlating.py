"""The job correlation_analyzer: which correlations are new, changed or gone since the last ones."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from axiom.analysis.correlation import Edge, Method, Pair, edges
from axiom.analysis.returns import Returns, log_returns
from services.analyst.market import Market, Said, calendar_days, day_of, last_whole_day, session_end
from services.analyst.settings import AnalystSettings
from topics.correlation_updates import CorrelationUpdate


@dataclass(frozen=True, slots=True)
class Window:
    """So many sessions, and how they are compared; `name` is what the topic calls it."""

    name: str
    sessions: int
    method: Method

    @classmethod
    def named(cls, name: str) -> Window:
        """`30d` or `30d-spearman`."""
        sessions, _, method = name.partition("d")
        return cls(name, int(sessions), "spearman" if method == "-spearman" else "pearson")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one window; `why_not` says why there is nothing, `edges` counts those that hold."""

    window: str
    as_of: datetime | None
    symbols: int
    edges: int
    updates: Sequence[CorrelationUpdate]
    why_not: str | None = None


async def correlate(
    market: Market, settings: AnalystSettings, now: datetime, computed_at: datetime
) -> list[Outcome]:
    """Every window's news as of the last whole session before `now`.

    The same bars and the same publications before that session give the same news: run again, only what the
    bars changed meanwhile is news.
    """
    windows = [Window.named(name) for name in settings.windows]
    longest = max(window.sessions for window in windows)
    bars = await market.daily_bars(last_whole_day(now), calendar_days(longest + 1))
    returns = await asyncio.to_thread(log_returns, bars)
    return [await _correlate(market, window, returns, settings, computed_at) for window in windows]


async def _correlate(
    market: Market, window: Window, returns: Returns, settings: AnalystSettings, computed_at: datetime
) -> Outcome:
    own = returns.window(window.sessions)
    if len(own.days) < window.sessions:
        why = f"{len(own.days)} of {window.sessions} sessions are there"
        return Outcome(window.name, None, len(own.symbols), 0, (), why)
    as_of = session_end(day_of(int(own.days[-1])))
    before, at = await market.said_before(window.name, as_of), await market.said_at(window.name, as_of)
    held = {pair for pair, said in before.items() if said.is_live}
    found = await asyncio.to_thread(edges, own, settings.choice, window.method, held)
    updates = news(found, before, at, Moment(window, as_of, computed_at), settings.min_change)
    return Outcome(window.name, as_of, len(own.symbols), len(found), updates)


@dataclass(frozen=True, slots=True)
class Moment:
    """What updates say of themselves."""

    window: Window
    as_of: datetime
    computed_at: datetime


def news(
    found: Sequence[Edge],
    before: Mapping[Pair, Said],
    at: Mapping[Pair, Said],
    moment: Moment,
    min_change: float,
) -> list[CorrelationUpdate]:
    """What must be published, the strongest first, those that are gone last.

    Args:
        found: the edges that hold now.
        before: what was last said of each pair as of an earlier moment: what the news are measured by.
        at: what was said as of this moment already: not said again, but corrected if it is wrong now.
        min_change: an edge that holds still is news when its r moved by so much.
    """
    held = {pair: said for pair, said in before.items() if said.is_live}
    made: list[CorrelationUpdate] = []
    for edge in found:
        pair = (edge.symbol_a, edge.symbol_b)
        earlier, told = held.get(pair), at.get(pair)
        is_news = earlier is None or told is not None or abs(edge.r - earlier.r) >= min_change
        if is_news and not _says(told, edge):
            made.append(_update(edge, moment, "new" if earlier is None else "changed"))
    holding = {(edge.symbol_a, edge.symbol_b) for edge in found}
    for pair in sorted((held.keys() | at.keys()) - holding):
        told, last = at.get(pair), at.get(pair) or held[pair]
        if told is None or told.is_live:
            made.append(_update(Edge(*pair, last.r, last.n, last.p_value), moment, "gone"))
    return made


def _says(told: Said | None, edge: Edge) -> bool:
    return (
        told is not None and told.is_live and told.n == edge.n and math.isclose(told.r, edge.r, abs_tol=1e-9)
    )


def _update(edge: Edge, moment: Moment, change: str) -> CorrelationUpdate:
    return CorrelationUpdate.model_validate(
        {
            "symbol_a": edge.symbol_a, "symbol_b": edge.symbol_b, "window": moment.window.name,
            "method": moment.window.method, "as_of": moment.as_of, "computed_at": moment.computed_at,
            "change": change, "r": edge.r, "n": edge.n, "p_value": edge.p_value,
        }
    )  # fmt: skip
