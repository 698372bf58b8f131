"""What Claude costs, and what the caps leave."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, Field

from axiom.llm.budget import BudgetSettings, Mode
from axiom.llm.ledger import PostgresLedger
from axiom.llm.report import Report, report
from axiom.llm.settings import ClaudeSettings
from axiom.resilience.clock import Clock
from axiom.settings import load
from services.control_api.reading.models import Model
from services.control_api.reading.sources import Sources


class Period(Model):
    """A day or a month (UTC) and its cap; money is decimal text."""

    period: str
    settled_usd: str
    reserved_usd: str = Field(description="The worst case of what is under way.")
    cap_usd: str
    left_usd: str
    ends_at: datetime


class Line(Model):
    """What one pipeline asked of one model on one day."""

    day: str
    pipeline: str
    model: str
    entries: int = Field(description="Attempts, and answers used again.")
    answered_calls: int
    in_flight_at_kill: int
    input_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    output_tokens: int
    cost_usd: str


class UnderWay(Model):
    """Calls whose answers are awaited."""

    pipeline: str
    model: str
    calls: int
    in_batches: int
    worst_usd: str


class Budget(Model):
    """The books."""

    now: datetime
    mode: Mode = Field(description="`conservation` from 80 % of a cap on; `stopped` at a cap.")
    day: Period
    month: Period
    in_flight_at_kill: int = Field(description="Calls lost at a kill, charged at their worst case.")
    lines: list[Line]
    under_way: list[UnderWay]


async def budget(sources: Sources, clock: Clock, days: int) -> Budget:
    """The books of the last `days` days, today included."""
    return Budget.model_validate((await books(sources, clock, days)).as_json())


async def books(sources: Sources, clock: Clock, days: int) -> Report:
    """The same as the library has it."""
    caps, claude = load(BudgetSettings), load(ClaudeSettings)
    spend = await PostgresLedger(sources.control).spend()
    return await report(sources.control, caps, claude, spend, clock.now(), days)


class ClaudeToday(BaseModel):
    """What was asked of Claude since midnight, UTC."""

    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: str


async def claude_today(sources: Sources, clock: Clock) -> ClaudeToday:
    """Sums over the day's lines; cached tokens count as input."""
    lines = (await books(sources, clock, 1)).lines
    return ClaudeToday(
        calls=sum(line["answered_calls"] for line in lines),
        input_tokens=sum(
            line["input_tokens"] + line["cached_tokens"] + line["cache_write_tokens"] for line in lines
        ),
        output_tokens=sum(line["output_tokens"] for line in lines),
        cost_usd=str(sum((line["cost_usd"] for line in lines), Decimal(0))),
    )
