"""One cycle through the chain, counted and published."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass, field

from axiom.sources.metrics import LAST_SUCCESS, OUTCOMES
from axiom.sources.outcomes import BadRow, NoSuchSymbol, kind_of
from axiom.telemetry.logs import get_logger
from services.price_producer import metrics
from services.price_producer.chain import Answer, Missed
from services.price_producer.sources.port import Bars
from topics.price_updates import PriceBar

BAD_ROWS_LOGGED = 5
log = get_logger()


@dataclass
class Report:
    """What came of a cycle.

    Attributes:
        published: bars by source.
        heard: sources that answered, with bars or with "no such symbol".
        answered: symbols by the source that answered for them.
        detours: symbols that came from a later source, and why.
        missed: symbols without bars.
        first, last: days of the bars published, as `2026-11-20`.
    """

    published: Counter[str] = field(default_factory=Counter)
    heard: set[str] = field(default_factory=set)
    answered: dict[str, str] = field(default_factory=dict)
    detours: dict[str, str] = field(default_factory=dict)
    missed: list[Missed] = field(default_factory=list)
    bad_rows: int = 0
    first: str = "9"
    last: str = ""

    def live_answered(self, live: Collection[str]) -> bool | None:
        """Whether a live source had an answer, be it "no such symbol"; None if none had to be asked."""
        if self.heard & set(live):
            return True
        return False if self.heard or any(not missed.absent for missed in self.missed) else None

    def reasons(self) -> str:
        """Why symbols were missed or came from a later source: the commonest reasons, each once."""
        told = Counter([missed.reason for missed in self.missed]) + Counter(self.detours.values())
        if len(told) == 1:
            return next(iter(told))
        return "; ".join(f"{reason} ({count} symbols)" for reason, count in told.most_common(3))


async def publish_cycle(
    answers: AsyncIterator[Answer | Missed],
    send: Callable[[PriceBar], Awaitable[bool]],
    is_fresh: Callable[[PriceBar], bool],
    now_s: Callable[[], float],
) -> Report:
    """Send the bars of a cycle as they come.

    Args:
        send: to the topic; False if the bar could not be taken (too large).
        is_fresh: whether a bar says anything that was not sent before.
        now_s: Unix time, for the metric of the last success.
    """
    report = Report()
    async for answer in answers:
        if isinstance(answer, Missed):
            report.missed.append(answer)
            continue
        OUTCOMES.labels(answer.source, kind_of(answer.outcome, "bars")).inc()
        if isinstance(answer.outcome, Bars | NoSuchSymbol):
            report.heard.add(answer.source)
        match answer.outcome:
            case Bars(symbol, bars):
                report.answered[symbol] = answer.source
                if bars and bars[0].source_reason:
                    report.detours[symbol] = bars[0].source_reason
                LAST_SUCCESS.labels(answer.source).set(now_s())
                for bar in bars:
                    if is_fresh(bar) and await send(bar):
                        _count(report, answer.source, bar)
            case BadRow(where, reason):
                report.bad_rows += 1
                if report.bad_rows <= BAD_ROWS_LOGGED:
                    log.warning("row_rejected", source=answer.source, where=where, why=reason)
            case problem:
                log.info(
                    "source_gave_no_bars",
                    source=answer.source,
                    symbol=problem.symbol,
                    kind=kind_of(problem, "bars"),
                    why=problem.reason,
                )
    return report


def _count(report: Report, source: str, bar: PriceBar) -> None:
    report.published[source] += 1
    metrics.BARS.labels(source, bar.interval).inc()
    day = bar.ts.date().isoformat()
    report.first, report.last = min(report.first, day), max(report.last, day)
