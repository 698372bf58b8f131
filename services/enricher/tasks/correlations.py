"""Reading `correlation-updates`: why two stocks may move together."""

from __future__ import annotations

import re

from services.enricher.name_list import NameList
from services.enricher.prompts.correlation import PROMPT, Explanation, user_message
from services.enricher.statements import Grounded, Statement
from services.enricher.tasks.port import Batched, Cause
from topics import correlation_updates
from topics.correlation_updates import CorrelationUpdate

MAX_EXPLANATION = 300
LOCAL_CONFIDENCE = 0.3
_OF_MINUTES = re.compile(r"[0-9]+m")


class CorrelationTask:
    """One reading of each pair and window: the coefficient is told to one digit, so it seldom changes."""

    name = "correlation"
    pipeline = "correlations"
    topic = correlation_updates.TOPIC
    prompt = PROMPT
    batched: Batched = "near-the-cap"

    def __init__(self, min_r: float) -> None:
        """`min_r` is the least |r| that is worth an explanation."""
        self._min_r = min_r

    def skip(self, update: CorrelationUpdate) -> str | None:
        if update.change == "gone":
            return "gone"
        if _OF_MINUTES.fullmatch(update.window):
            return "live"  # what an hour's correlation is due to is gone before it is read
        return None if abs(update.r) >= self._min_r else "below_threshold"

    def cause(self, update: CorrelationUpdate) -> Cause:
        return Cause(self.topic.id_of(update) if self.topic.id_of else "", update.as_of, update.computed_at)

    def text(self, update: CorrelationUpdate, names: NameList) -> str:
        companies = [_described(symbol, names) for symbol in (update.symbol_a, update.symbol_b)]
        return "\n".join([*companies, _figures(update)])

    def question(self, update: CorrelationUpdate, names: NameList) -> str:
        return user_message(self.text(update, names))

    def symbols(self, update: CorrelationUpdate) -> tuple[str, ...]:
        return (update.symbol_a, update.symbol_b)

    def read_locally(self, update: CorrelationUpdate, names: NameList) -> Explanation:
        known = [names.universe.listings.get(symbol) for symbol in (update.symbol_a, update.symbol_b)]
        industries = {one.industry for one in known if one and one.industry}
        sectors = {one.sector for one in known if one and one.sector}
        if len(industries) == 1 and all(known):
            why = f"Both are in the industry {industries.pop()}."
        elif len(sectors) == 1 and all(known):
            why = f"Both are in the sector {sectors.pop()}."
        else:
            why = "No common industry or sector is known; the market as a whole may drive both."
        return Explanation(explanation=why, confidence=LOCAL_CONFIDENCE)

    def ground(self, update: CorrelationUpdate, answer: Explanation, names: NameList) -> Grounded:
        grounded = Grounded()
        explanation = answer.explanation.replace("\0", "").strip()[:MAX_EXPLANATION]
        if not explanation:
            grounded.dropped["no_explanation"] += 1
            return grounded
        grounded.statements.append(
            Statement(
                "explains-correlation", update.symbol_a, update.symbol_b, answer.confidence,
                evidence=_figures(update), explanation=explanation,
            )
        )  # fmt: skip
        return grounded


def _described(symbol: str, names: NameList) -> str:
    listing = names.universe.listings.get(symbol)
    if listing is None:
        return symbol
    facts = ", ".join(fact for fact in (listing.sector, listing.industry) if fact)
    return f"{symbol}: {listing.name}" + (f" ({facts})" if facts else "")


def _figures(update: CorrelationUpdate) -> str:
    return f"{update.method} correlation of log returns over {update.window}: about {update.r:.1f}"
