"""`axiom plan`: how old prices will be with these keys and limits, and what that costs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from axiom.errors import AxiomError
from axiom.llm.budget import BudgetSettings
from axiom.llm.settings import ClaudeSettings
from axiom.market.hours import MarketHours
from axiom.quota.meter import HOLD_S
from axiom.settings import PostgresSettings, load
from axiom.sources.settings import (
    AlphaVantageSettings,
    FinnhubSettings,
    KeySettings,
    PolygonSettings,
    SourceSettings,
    provider_of,
)
from axiom.stores.control import ControlStore
from axiom.tiers.model import Standing, members_of
from axiom.tiers.plan import Facts, Key, Plan, make_plan
from axiom.tiers.postgres import MIGRATIONS, PostgresTiers
from axiom.tiers.settings import TierSettings
from axiom.tiers.staleness import NEVER
from axiom.tiers.work import loads
from axiom.universe.files import read
from axiom.universe.kinds import companies
from axiom.universe.listing import Universe
from axiom.universe.store import MIGRATIONS as UNIVERSE_MIGRATIONS
from axiom.universe.store import Universes
from services.price_producer.settings import ProducerSettings

KEYS: tuple[type[KeySettings], ...] = (FinnhubSettings, AlphaVantageSettings, PolygonSettings)


class Infeasible(AxiomError):
    """The plan does not reach its targets with these limits; it has been printed."""


def register(root: typer.Typer) -> None:
    """Add the command."""
    root.command()(plan)


def plan(
    days: Annotated[int, typer.Option(min=1, max=150, help="How many days to look ahead.")] = 30,
    file: Annotated[
        Path | None, typer.Option("--universe", help="A list of companies, in place of the current one.")
    ] = None,
    assume: Annotated[
        str, typer.Option(help="Providers to plan with as if they had a free key: finnhub,polygon,…")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")] = False,
) -> None:
    """Predict how far each tier's prices are behind the market, and what keys and Claude cost.

    Nobody is called. Uses the current universe, its tiers and what is held of their prices (PostgreSQL), or a
    file of companies of which nothing is held. Exit code 1: a target can't be reached with these limits.
    """
    assumed = {name.strip() for name in assume.split(",") if name.strip()}
    standings, version = standings_of(read(file).universe) if file else asyncio.run(_current())
    made = make_plan(facts_of(standings, datetime.now(UTC), days, assumed))
    if as_json:
        print(json.dumps(as_json_of(made, version, days), indent=2))  # noqa: T201
    else:
        _print(made, version)
    if not made.is_feasible:
        raise Infeasible(verdict(made))


def standings_of(universe: Universe, settings: TierSettings | None = None) -> tuple[list[Standing], str]:
    """Members of a universe of whose prices nothing is held."""
    sizes = (settings or load(TierSettings)).sizes
    members = members_of(companies(universe), {}, load(SourceSettings).watched, sizes)
    return [Standing(one.symbol, one.tier, one.rank) for one in members], universe.version


def facts_of(standings: list[Standing], now: datetime, days: int, assumed: set[str] | None = None) -> Facts:
    """What the settings of this machine make of it."""
    settings, shared = load(TierSettings), load(SourceSettings)
    keys = keys_of(settings, shared, assumed or set())
    budget, claude = load(BudgetSettings), load(ClaudeSettings)
    end = now + timedelta(days=days)
    return Facts(
        tiers=np.array([one.tier for one in standings], dtype=np.int64),
        through=np.array([one.through.timestamp() if one.through else NEVER for one in standings]),
        sessions=MarketHours().between(now - timedelta(days=20), end + timedelta(days=5)),
        begin=now,
        end=end,
        settings=settings,
        keys=keys,
        loads=loads(len(shared.watched), load(ProducerSettings).sources, keys),
        grouped="polygon" in keys and settings.grouped_daily,
        claude_usd=budget.monthly_usd if claude.has_key else budget.monthly_usd * 0,
    )


def keys_of(settings: TierSettings, shared: SourceSettings, assumed: set[str]) -> Mapping[str, Key]:
    """The providers that there is a key for, and Yahoo, which needs none."""
    transit_s = shared.request_timeout_s + HOLD_S
    keys = {}
    for kind in KEYS:
        one = load(kind)
        if one.api_key is not None or provider_of(one) in assumed:
            keys[provider_of(one)] = Key(one.quota(transit_s), one.monthly_usd)
    return keys | {"yahoo": Key(settings.yahoo_quota(transit_s))}


def verdict(made: Plan) -> str:
    """`feasible`, or what is lacking."""
    if made.short_by:
        return f"infeasible, short by {made.short_by:,} calls a day"
    cost = made.data_usd + made.claude_usd
    if cost > made.cap_usd:
        return f"infeasible: ${cost} a month is over AXIOM_TIERS_COST_CAP_USD={made.cap_usd}"
    return "feasible"


def as_json_of(made: Plan, version: str, days: int) -> dict[str, Any]:
    """Plain values, money as decimal text."""
    return {
        "universe": version,
        "symbols": sum(tier.symbols for tier in made.tiers),
        "days": days,
        "tiers": [asdict(tier) for tier in made.tiers],
        "calls_on_the_busiest_day": dict(made.calls),
        "cost_usd_a_month": {
            "data": str(made.data_usd),
            "claude_at_most": str(made.claude_usd),
            "cap": str(made.cap_usd),
        },
        "feasible": made.is_feasible,
        "short_by_calls_a_day": made.short_by,
        "verdict": verdict(made),
    }


async def _current() -> tuple[list[Standing], str]:
    control = ControlStore(load(PostgresSettings), migrations=MIGRATIONS | UNIVERSE_MIGRATIONS, pool_size=1)
    try:
        universes = Universes(control)
        await universes.setup()
        edition = await universes.current()
        standings = await PostgresTiers(control).standings()
        return (standings, edition.version) if standings else standings_of(edition.universe)
    finally:
        await control.close()


def _print(made: Plan, version: str) -> None:
    console = Console()
    table = Table("tier", "symbols", "target", "p50 h", "p95 h", "max h", "never", "short by", "")
    for tier in made.tiers:
        behind = (f"{hours:.2f}" for hours in (tier.behind.p50_h, tier.behind.p95_h, tier.behind.max_h))
        table.add_row(
            str(tier.tier),
            f"{tier.symbols:,}",
            tier.target,
            *behind,
            str(tier.never or ""),
            str(tier.short_by or ""),
            tier.note,
        )
    console.print(f"Universe {version}; hours behind the market while it is open:")
    console.print(table)
    calls = ", ".join(f"{provider} {count:,}" for provider, count in made.calls.items())
    console.print(f"Calls for tiers on the busiest day: {calls or 'none'}")
    console.print(
        f"A month: ${made.data_usd} for data, at most ${made.claude_usd} for Claude, of ${made.cap_usd}"
    )
    console.print(verdict(made))
