"""Caps on what is spent, and what changes as they come near."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from axiom.errors import Transient
from axiom.llm.prices import BUNDLED, PriceTable
from axiom.llm.settings import ClaudeSettings

Mode = Literal["normal", "conservation", "stopped"]
Cap = Literal["daily", "monthly"]


class BudgetSettings(BaseSettings):
    """How much may be spent.

    Attributes:
        daily_usd, monthly_usd: caps of a day and a month (UTC). The defaults keep a month under 40 dollars.
        conserve_at: the share of a cap from which on conservation mode holds.
        prices: a price table to be used in place of the bundled one.
    """

    model_config = SettingsConfigDict(
        env_prefix="axiom_budget_", frozen=True, extra="ignore", env_ignore_empty=True
    )
    daily_usd: Decimal = Field(default=Decimal("1.25"), ge=0, le=100_000)
    monthly_usd: Decimal = Field(default=Decimal(38), ge=0, le=1_000_000)
    conserve_at: Decimal = Field(default=Decimal("0.8"), gt=0, le=1)
    prices: Path = BUNDLED

    def price_table(self) -> PriceTable:
        """The table of `prices`."""
        return PriceTable.read(self.prices)


@dataclass(frozen=True)
class Spend:
    """What a day and its month have cost so far; reserved is the worst case of what is under way."""

    day_settled_usd: Decimal = Decimal(0)
    day_reserved_usd: Decimal = Decimal(0)
    month_settled_usd: Decimal = Decimal(0)
    month_reserved_usd: Decimal = Decimal(0)

    @property
    def day_usd(self) -> Decimal:
        """Settled and reserved."""
        return self.day_settled_usd + self.day_reserved_usd

    @property
    def month_usd(self) -> Decimal:
        """Settled and reserved."""
        return self.month_settled_usd + self.month_reserved_usd


class BudgetExhausted(Transient):
    """A cap leaves no room for a call. Nothing was called.

    Attributes:
        cap: which one.
        until: the next period's beginning; sooner, where only reservations of calls under way fill the cap.
    """

    def __init__(self, cap: Cap, message: str, now: datetime, until: datetime) -> None:
        super().__init__(message, retry_after_s=max(0.0, (until - now).total_seconds()))
        self.cap: Cap = cap
        self.until = until


@dataclass(frozen=True)
class Conduct:
    """What a mode means: which model is asked, how, and about whom.

    Attributes:
        ask: whether anything is asked at all.
        use_batches: ask through the batch API, at half the price, wherever the answer can wait.
        core_symbols_only: only what concerns the core symbols (the watch list) is asked.
    """

    ask: bool
    model: str
    use_batches: bool
    core_symbols_only: bool


def mode_of(spend: Spend, budget: BudgetSettings) -> Mode:
    """By the fuller of the two caps; a cap of 0 stops.

    >>> mode_of(Spend(day_settled_usd=Decimal("1.0")), BudgetSettings(daily_usd=Decimal("1.25")))
    'conservation'
    """
    pairs = ((spend.day_usd, budget.daily_usd), (spend.month_usd, budget.monthly_usd))
    if any(used >= cap for used, cap in pairs):
        return "stopped"
    if any(used >= cap * budget.conserve_at for used, cap in pairs):
        return "conservation"
    return "normal"


def conduct(mode: Mode, claude: ClaudeSettings) -> Conduct:
    """What is done in a mode."""
    model, cheaper_model = claude.model, claude.cheaper_model
    match mode:
        case "normal":
            return Conduct(ask=True, model=model, use_batches=False, core_symbols_only=False)
        case "conservation":
            return Conduct(ask=True, model=cheaper_model, use_batches=True, core_symbols_only=True)
        case "stopped":
            return Conduct(ask=False, model=cheaper_model, use_batches=True, core_symbols_only=True)


def day_of(moment: datetime) -> str:
    """The day that a call made then is charged to: `2026-11-21`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d")


def month_of(moment: datetime) -> str:
    """The month that a call made then is charged to: `2026-11`."""
    return moment.astimezone(UTC).strftime("%Y-%m")


def next_period(cap: Cap, moment: datetime) -> datetime:
    """When the period after the one of `moment` begins."""
    midnight = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if cap == "daily":
        return midnight + timedelta(days=1)
    return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
