"""What Claude costs in a simulation: the real desk, ledger and caps, over answers of a usual size."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel

from axiom.llm.budget import BudgetExhausted, BudgetSettings, day_of, month_of
from axiom.llm.desk import Desk
from axiom.llm.memory import MemoryLedger
from axiom.llm.port import Answer, Claude, Question, Request, Usage
from axiom.llm.scripted import ScriptedClaude
from axiom.llm.settings import ClaudeSettings
from axiom.resilience.clock import Clock

AT_ONCE = 5
"""Questions that one question here stands for, to be quick; tokens are theirs together."""
INPUT_TOKENS, OUTPUT_TOKENS = 2000 * AT_ONCE, 400 * AT_ONCE
COMPANIES_AN_HOUR, EVENTS_AN_HOUR = 30, 10


class _Said(BaseModel):
    text: str = "x"


class Reading:
    """An hour of the company graph and of news: so many questions, each new.

    Attributes:
        spent: dollars by month.
        refused: questions that the caps left no room for.
    """

    def __init__(self, clock: Clock, budget: BudgetSettings, cap_usd: Decimal) -> None:
        """`cap_usd`: what data plans leave of the month's money."""
        self.spent: dict[str, Decimal] = {}
        self.refused = 0
        self._days: dict[str, Decimal] = {}
        self._clock = clock
        self._budget = budget.model_copy(update={"monthly_usd": min(budget.monthly_usd, cap_usd)})
        self._model = ClaudeSettings().model
        self._asked = 0
        usage = Usage(input_tokens=INPUT_TOKENS, output_tokens=OUTPUT_TOKENS)
        answer = Answer("answered", text=_Said().model_dump_json(), parsed=_Said(), usage=usage)
        self._claude: Claude = ScriptedClaude(lambda _: answer)

    async def hour(self) -> int:
        """Ask; returns how many were answered."""
        now = self._clock.now()
        day, month = day_of(now), month_of(now)
        left = {
            "daily_usd": self._budget.daily_usd - self._days.get(day, Decimal(0)),
            "monthly_usd": self._budget.monthly_usd - self.spent.get(month, Decimal(0)),
        }
        ledger = MemoryLedger(self._clock)  # an hour's: what the periods cost before is taken off the caps
        budget = self._budget.model_copy(update={name: max(Decimal(0), usd) for name, usd in left.items()})
        desk = Desk(ledger, self._claude, budget.price_table(), budget, clock=self._clock)
        answered = 0
        for _ in range((COMPANIES_AN_HOUR + EVENTS_AN_HOUR) // AT_ONCE):
            self._asked += 1
            request = Request(self._model, "Read.", f"text {self._asked}", _Said, OUTPUT_TOKENS * 2)
            try:
                await desk.ask(Question(f"e{self._asked}", "event", "simulate", "1", "1", "u", request))
                answered += 1
            except BudgetExhausted:
                self.refused += 1
        cost = sum((Decimal(entry.cost_usd) for entry in ledger.entries), Decimal(0))
        self._days[day] = self._days.get(day, Decimal(0)) + cost
        self.spent[month] = self.spent.get(month, Decimal(0)) + cost
        return answered
