"""One round over the watch list, counted and published."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from axiom.sources.failover import Answer, Failover, Missed
from axiom.sources.metrics import LAST_SUCCESS, OUTCOMES
from axiom.sources.outcomes import BadRow, kind_of
from axiom.telemetry.logs import get_logger
from services.fundamentals_producer.metrics import COMPANIES
from services.fundamentals_producer.sources.port import FundamentalsSource, Profile
from topics.company_fundamentals import CompanyFundamentals

log = get_logger()
Chain = Failover[FundamentalsSource, datetime, Profile]


@dataclass
class Report:
    """What came of a round.

    Attributes:
        answered: symbols by the source that answered for them.
        why: what sources that had a problem said last.
        missed: symbols that no source had.
        published: companies that went out; the others had nothing new.
    """

    answered: dict[str, str] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    missed: list[Missed] = field(default_factory=list)
    published: Counter[str] = field(default_factory=Counter)

    def reasons(self) -> str:
        """What kept sources from answering."""
        told = self.why or dict.fromkeys(("sources",), self.missed[0].reason if self.missed else "")
        return "; ".join(f"{source}: {why}" for source, why in told.items())[:600]


class Fresh:
    """Remembers what was sent of each company: a source that says the same again says nothing new."""

    def __init__(self) -> None:
        self._sent: dict[str, CompanyFundamentals] = {}

    def __call__(self, company: CompanyFundamentals) -> bool:
        """Whether it differs from what was sent last in more than when it was fetched."""
        before = self._sent.get(company.symbol)
        self._sent[company.symbol] = company
        return before is None or before != company.model_copy(update={"fetched_at": before.fetched_at})

    def forget(self) -> None:
        """Send everything again: the last round may not have got through."""
        self._sent.clear()


async def publish_cycle(
    answers: AsyncIterator[Answer[Profile] | Missed],
    send: Callable[[CompanyFundamentals], Awaitable[bool]],
    is_fresh: Callable[[CompanyFundamentals], bool],
    now_s: Callable[[], float],
) -> Report:
    """Send the companies of a round as they come.

    Args:
        send: to the topic; False if it could not be taken (too large).
        now_s: Unix time, for the metric of the last success.
    """
    report = Report()
    async for answer in answers:
        if isinstance(answer, Missed):
            report.missed.append(answer)
            continue
        OUTCOMES.labels(answer.source, kind_of(answer.outcome, "profile")).inc()
        match answer.outcome:
            case Profile(symbol, company):
                report.answered[symbol] = answer.source
                LAST_SUCCESS.labels(answer.source).set(now_s())
                if is_fresh(company) and await send(company):
                    report.published[answer.source] += 1
                    COMPANIES.labels(answer.source).inc()
            case BadRow(where, reason):
                log.warning("row_rejected", source=answer.source, where=where, why=reason)
            case problem:
                report.why[answer.source] = problem.reason
                kind = kind_of(problem, "profile")
                log.info(
                    "source_gave_no_profile",
                    source=answer.source, symbol=problem.symbol, kind=kind, why=problem.reason,
                )  # fmt: skip
    return report
