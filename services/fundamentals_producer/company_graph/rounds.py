"""The job `company_graph`: companies whose turn it is, from profiles to checked relations in the graph.

    choose ─► profiles ─► company-fundamentals ─► (enricher) ─► graph-mutations ─► (neo4j-sink) ─► check

This service writes the profiles and reads what became of them. What the enricher has not read within a run's
patience (a message batch may take an hour, and at a cap it waits for the next day) the next run checks; that
one takes as many fewer companies, so that nothing piles up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from axiom.errors import Permanent, Transient
from axiom.resilience.clock import Clock
from axiom.runtime.jobs import Results, Run
from axiom.telemetry.logs import get_logger
from axiom.universe.kinds import companies
from axiom.universe.listing import Universe
from services.fundamentals_producer.company_graph.checking import Graph, edge_of, faults
from services.fundamentals_producer.company_graph.choosing import chosen
from services.fundamentals_producer.company_graph.settings import CompanyGraphSettings
from services.fundamentals_producer.company_graph.trail import Said, Trail
from services.fundamentals_producer.company_graph.visits import Verdict, Visit, Visits
from services.fundamentals_producer.cycle import Report
from services.fundamentals_producer.metrics import RELATIONS, VISITS_WAITING
from topics.job_commands import JobCommand

POLL_S = 0.5
SHOWN = 5
log = get_logger()


@dataclass(frozen=True)
class Parts:
    """What the job works with.

    Attributes:
        publish: gets the profiles of some companies and writes them to company-fundamentals, also those that
            say nothing new; returns when Kafka has confirmed them.
        universe: the current list of companies.
    """

    publish: Callable[[Collection[str]], Awaitable[Report]]
    universe: Callable[[], Awaitable[Universe]]
    watched: Collection[str]
    visits: Visits
    trail: Trail
    graph: Graph
    clock: Clock


class CompanyGraph:
    """Runs of the job, one at a time."""

    def __init__(self, parts: Parts, settings: CompanyGraphSettings) -> None:
        self._parts = parts
        self._settings = settings

    async def __call__(self, run: Run) -> Results:
        """One round, for the command's symbols or those whose turn it is.

        Raises:
            Transient: no source answers, or a server is away.
            Permanent: the graph has not what was stated; what is wrong is named.
        """
        await self._parts.visits.setup()
        asked = await self._left_of(run.command) if run.command.symbols else await self._turn()
        await run.progress(0, len(asked), "getting profiles")
        report = await self._visit(asked) if asked else Report()
        waiting = await self._parts.visits.waiting()
        if run.command.symbols:
            waiting = [visit for visit in waiting if visit.symbol in run.command.symbols]
        read = await self._until_read(run, waiting)
        verdicts, wrong = await self._check(run, read)
        left = len(waiting) - len(verdicts)
        VISITS_WAITING.set(left)
        relations = sum(one.relations for one in verdicts)
        if wrong:
            some = "; ".join(wrong[:SHOWN])
            raise Permanent(f"{len(wrong)} of {relations} relations are not as they were stated: {some}")
        return {
            "companies": str(len(asked)), "published": str(sum(report.published.values())),
            "missed": str(len(report.missed)), "read": str(len(verdicts)), "relations": str(relations),
            "waiting": str(left),
        }  # fmt: skip

    async def _left_of(self, command: JobCommand) -> list[str]:
        """The command's symbols, without those that this run wrote before it was killed."""
        turns = await self._parts.visits.turns()
        return [
            symbol
            for symbol in command.symbols
            if (last := turns.get(symbol)) is None or last < command.issued_at
        ]

    async def _turn(self) -> list[str]:
        """Whose turn it is; as many fewer as earlier runs wait for."""
        parts, settings = self._parts, self._settings
        universe, turns = await parts.universe(), await parts.visits.turns()
        count = settings.companies - len(await parts.visits.waiting())
        least_age = timedelta(hours=settings.least_age_h)
        return chosen(companies(universe), turns, parts.watched, parts.clock.now(), count, least_age)

    async def _visit(self, symbols: Collection[str]) -> Report:
        """Write the companies' profiles, and remember where they stand in the log."""
        marks = await self._parts.trail.marks()
        report = await self._parts.publish(symbols)
        unanswered = {missed.symbol for missed in report.missed if not missed.absent}
        if unanswered.issuperset(symbols):
            raise Transient(f"no source has profiles: {report.reasons()}")
        written = await self._parts.trail.written(marks, report.answered.keys())
        absent = set(symbols) - unanswered - written.keys()  # unknown, or what is said of it can't be used
        said_from = [marks.said[number] for number in sorted(marks.said)]
        await self._parts.visits.note(written, absent, said_from, self._parts.clock.now())
        return report

    async def _until_read(self, run: Run, waiting: Sequence[Visit]) -> list[Visit]:
        """Those that the enricher is done with, once all are or patience is over."""
        clock, until_s = self._parts.clock, self._parts.clock.monotonic() + self._settings.answer_patience_s
        while True:
            read = await self._parts.trail.read(waiting)
            await run.progress(len(read), len(waiting), "read by the enricher")
            if len(read) == len(waiting) or clock.monotonic() >= until_s:
                return read
            await clock.sleep(POLL_S)

    async def _check(self, run: Run, read: Sequence[Visit]) -> tuple[list[Verdict], list[str]]:
        """Compare what was stated of the companies with the graph, once the graph has taken it in."""
        if not read:
            return [], []
        said = await self._parts.trail.said(read)
        if not await self._until_taken_in(run, said):
            log.warning("graph_is_behind", companies=len(read))
            return [], []
        edges = {edge for own in said.stated.values() for one in own if (edge := edge_of(one.mutation))}
        found = await self._parts.graph.edges(edges)
        universe = await self._parts.universe()
        verdicts, wrong = [], []
        for visit in read:
            stated = said.stated[visit.symbol]
            own = faults(stated, found, visit.symbol, universe)
            wrong += own
            verdicts.append(Verdict(visit, len(stated), len(own)))
            RELATIONS.labels("right").inc(len(stated) - len(own))
            RELATIONS.labels("wrong").inc(len(own))
        await self._parts.visits.checked(verdicts, self._parts.clock.now())
        for why in wrong:
            log.error("relation_wrong", why=why)
        return verdicts, wrong

    async def _until_taken_in(self, run: Run, said: Said) -> bool:
        """Whether the graph has taken in what was said, within patience."""
        clock, until_s = self._parts.clock, self._parts.clock.monotonic() + self._settings.graph_patience_s
        while True:
            reached = await self._parts.graph.reached()
            behind = [number for number, end in said.ends.items() if reached.get(number, 0) < end]
            if not behind:
                return True
            if clock.monotonic() >= until_s:
                return False
            await run.progress(0, 0, "waiting for neo4j-sink")
            await clock.sleep(POLL_S)
