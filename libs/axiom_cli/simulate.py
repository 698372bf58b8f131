"""`axiom simulate`: days of the scheduler, the governor and the tiers against played providers."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from axiom.errors import AxiomError
from axiom_sim.simulation import Result, simulate
from axiom_sim.world import Scene

SHOWN = 60
FIRST = datetime(2026, 11, 23)  # noqa: DTZ001 - a day, as typer parses one; a fixed one, so that runs compare


class NotAsItShouldBe(AxiomError):
    """A simulation broke a limit, cost too much, or was not as planned; it has been printed."""


def register(root: typer.Typer) -> None:
    """Add the command."""
    root.command("simulate")(simulate_days)


def simulate_days(
    first: Annotated[
        datetime,
        typer.Option("--date", formats=["%Y-%m-%d"], help="The first day; always the same one if none."),
    ] = FIRST,
    days: Annotated[int, typer.Option(min=1, max=120, help="How many days.")] = 1,
    symbols: Annotated[int, typer.Option(min=100, max=20_000, help="How many listed companies.")] = 6000,
    seed: Annotated[int, typer.Option(help="Which faults happen when.")] = 1,
    providers: Annotated[str, typer.Option(help="Keys that there are.")] = "finnhub,alpha_vantage,polygon",
    grouped: Annotated[bool, typer.Option(help="Use the call that gives every stock's session.")] = True,
    data_usd: Annotated[
        float, typer.Option(min=0, help="What paid data plans cost a month; Claude gets the rest of the cap.")
    ] = 0.0,
    calm: Annotated[bool, typer.Option("--calm", help="No provider fails.")] = False,
    http: Annotated[bool, typer.Option("--http", help="Over real local HTTP servers.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Print the whole timeline.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")] = False,
) -> None:
    """Run days on a virtual clock: the real scheduler, governor, tiers and clients, against local providers
    that enforce their real limits by books of their own and fail as they do.

    Prints a timeline, calls against each limit, how far prices are behind the market beside what `axiom plan`
    says, and the cost. Exit code 1: a limit was broken, it cost too much, or it was not within 10 % of the
    plan (of two days or more).
    """
    keys = tuple(name.strip() for name in providers.split(",") if name.strip())
    scene = Scene(
        date(first.year, first.month, first.day), days, symbols, seed, keys, grouped, calm, http,
        data_usd=Decimal(str(data_usd)),
    )  # fmt: skip
    result = simulate(scene)
    if as_json:
        print(json.dumps(result.as_json(), indent=2))  # noqa: T201
    else:
        _print(result, full)
    if result.problems:
        raise NotAsItShouldBe("; ".join(result.problems))


def _print(result: Result, full: bool) -> None:
    console = Console()
    shown = result.timeline if full else result.timeline[:SHOWN]
    for line in shown:
        console.print(escape(line), highlight=False, soft_wrap=True)
    if len(result.timeline) > len(shown):
        console.print(f"… and {len(result.timeline) - len(shown):,} more lines: --full")
    limits = Table("provider", "calls", "limit", "most at once", "allowed", "violations")
    for provider, told in result.calls.items():
        for limit in told["limits"]:
            allowed = str(limit["limit"]) if limit["limit"] is not None else "-"
            limits.add_row(
                provider, f"{told['calls']:,}", limit["window"], str(limit["most"]), allowed,
                str(limit["violations"]),
            )  # fmt: skip
    console.print(limits)
    behind = Table("tier", "p50 h", "planned", "p95 h", "planned", "max h", "planned")
    for tier, spread in result.measured.items():
        plan = result.planned(tier)
        pairs = ((spread.p50_h, plan.p50_h), (spread.p95_h, plan.p95_h), (spread.max_h, plan.max_h))
        behind.add_row(str(tier), *(f"{hours:.2f}" for pair in pairs for hours in pair))
    console.print("Hours behind the market while it is open, measured and planned:")
    console.print(behind)
    console.print(f"Ticks: {result.ticks}", highlight=False)
    console.print(f"Bars: {result.bars}", highlight=False)
    console.print(f"A month: ${result.data_usd} for data, ${result.claude_usd:.2f} for Claude")
    console.print(f"Violations: {result.violations}. Took {result.took_s:.1f} s.")
