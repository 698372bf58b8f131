"""What the models have cost, and what the caps leave."""

from __future__ import annotations

from datetime import datetime

from axiom.llm.budget import BudgetSettings
from axiom.llm.ledger import PostgresLedger
from axiom.llm.report import Report, report
from axiom.llm.settings import ClaudeSettings
from axiom.settings import load
from services.control_api.reading.sources import Sources


async def books(sources: Sources, days: int, now: datetime) -> Report:
    """The books of the last `days` days, the present one included.

    Raises:
        StoreDown: PostgreSQL does not answer, or has no ledger yet.
    """
    spend = await PostgresLedger(sources.control).spend()
    return await report(sources.control, load(BudgetSettings), load(ClaudeSettings), spend, now, days)
