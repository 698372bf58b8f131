"""The jobs of the tiers: who is asked about, and what is kept of the answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from axiom.errors import Transient
from axiom.market.hours import MarketHours, Session
from axiom.quota.meter import spending_for
from axiom.quota.model import Urgency
from axiom.resilience.clock import Clock
from axiom.runtime.jobs import JobHandler, Results, Run
from axiom.sources.outcomes import BadRow
from axiom.telemetry.logs import get_logger
from axiom.tiers.model import Priced, Standing, members_of
from axiom.tiers.port import Tiers
from axiom.tiers.settings import TierSettings
from axiom.tiers.staleness import NEVER, Trading
from axiom.tiers.work import Sweep, sweeps
from axiom.universe.kinds import companies
from axiom.universe.listing import Universe
from services.price_producer.chain import SourceChain
from services.price_producer.cycle import Report, publish_cycle
from services.price_producer.sources.port import Bars, PriceSource, Request
from topics.price_updates import PriceBar

CHUNK = 25
DEEP_SESSIONS = 90
"""How many sessions of daily bars a rotation gets of a symbol; Alpha Vantage gives 100."""
CATCH_UP_SESSIONS = 5
GRACE = timedelta(minutes=70)
NOTHING = datetime.fromtimestamp(NEVER, UTC)
log = get_logger()


@dataclass(frozen=True)
class Outlets:
    """Where bars go. `flush` returns when Kafka has confirmed them."""

    send: Callable[[PriceBar], Awaitable[bool]]
    flush: Callable[[], Awaitable[None]]


class TierJobs:
    """Handlers of the tiers' jobs, by name. A run that begins again goes on where it was killed."""

    def __init__(
        self,
        chains: Mapping[str, SourceChain],
        grouped: PriceSource | None,
        tiers: Tiers,
        universe: Callable[[], Awaitable[Universe]],
        watched: Collection[str],
        settings: TierSettings,
        outlets: Outlets,
        clock: Clock,
    ) -> None:
        """
        Args:
            chains: the sources of each job that asks one by one.
            grouped: gives a session's bars of all symbols in one call; None: there is no such key.
            universe: the current list of companies.
        """
        self._chains = chains
        self._grouped = grouped
        self._tiers = tiers
        self._universe = universe
        self._watched = tuple(watched)
        self._settings = settings
        self._outlets = outlets
        self._clock = clock
        self._hours = MarketHours(history_days=DEEP_SESSIONS * 2)

    @property
    def handlers(self) -> dict[str, JobHandler]:
        """By the names of `services/scheduler/jobs`."""
        own: dict[str, JobHandler] = {sweep.name: self._sweeper(sweep) for sweep in sweeps(self._settings)}
        return own | {
            "tier_4": self.weekly,
            "grouped_daily": self.grouped_daily,
            "stale_refresh": self.stale_refresh,
            "tier_rebalance": self.rebalance,
        }

    async def rebalance(self, run: Run) -> Results:
        """Compute every symbol's tier anew."""
        return {"changed": str(await self.assign())}

    async def assign(self) -> int:
        """As `rebalance`; returns how many changed."""
        universe = await self._universe()
        activity = await self._tiers.activity()
        members = members_of(companies(universe), activity, self._watched, self._settings.sizes)
        return await self._tiers.assign(members, universe.version, self._clock.now())

    async def weekly(self, run: Run) -> Results:
        """Members of the last tier of which nothing came for a week, by whatever way."""
        oldest = self._clock.now() - timedelta(hours=self._settings.cache_h)
        waiting = [
            one.symbol
            for one in await self._standings(4)
            if one.through is None or one.asked_at is None or max(one.through, one.asked_at) < oldest
        ]
        return await self._ask("tier_4", waiting[: self._settings.yahoo_per_day], "close", "normal", run)

    async def stale_refresh(self, run: Run) -> Results:
        """Members of tier 1, with the watch list in it, that are too far behind the market."""
        stale = await self._stale()
        if len(stale) > CHUNK and self._grouped is not None and self._settings.grouped_daily:
            await self.grouped_daily(run)  # one call may say as much as hundreds
            stale = await self._stale()
        now = self._clock.now()
        through = "asked" if self._hours.open_session(now) else "close"
        return await self._ask("stale_refresh", stale[: 4 * CHUNK], through, "essential", run)

    async def grouped_daily(self, run: Run) -> Results:
        """Every member's bar of the sessions that are missing, one call each.

        Raises:
            Transient: the provider has not (or not yet) given the last one.
        """
        if self._grouped is None or not self._settings.grouped_daily:
            return {"skipped": "no key gives every stock's bar of a day in one call"}
        standings = {one.symbol: one for one in await self._standings()}
        published = 0
        for session in self._missing(standings.values()):
            start = datetime(session.day.year, session.day.month, session.day.day, tzinfo=UTC)
            got: list[Priced] = []
            with spending_for("grouped_daily", "essential"):
                async for outcome in self._grouped.fetch((), Request("1d", start, start + timedelta(days=1))):
                    match outcome:
                        case Bars(symbol, bars) if symbol in standings:
                            for bar in bars:
                                await self._outlets.send(bar)
                                got.append(_priced(bar, session.closes, self._clock.now()))
                        case Bars():
                            pass
                        case BadRow(where, reason):
                            log.info("row_rejected", source="polygon", where=where, why=reason)
                        case problem:
                            wait_s = getattr(problem, "retry_after_s", None) or 900.0
                            raise Transient(f"the session {session.day}: {problem.reason}", wait_s)
            await self._outlets.flush()
            await self._tiers.note(got, in_turn=False)
            published += len(got)
            await run.progress(published)
        return {"bars": str(published)}

    async def close(self) -> None:
        """Close every source once."""
        sources = {id(one): one for chain in self._chains.values() for one in chain.sources}
        for source in sources.values():
            await source.close()

    def _sweeper(self, sweep: Sweep) -> JobHandler:
        async def handler(run: Run) -> Results:
            since = run.command.nominal_at
            symbols: Sequence[str] = run.command.symbols
            if not symbols:
                size = len(await self._standings(sweep.tier))
                left = (sweep.batch or size) - await self._tiers.asked_since(sweep.tier, since)
                symbols = await self._tiers.due(sweep.tier, since, max(0, left))
            return await self._ask(sweep.name, symbols, sweep.through, sweep.urgency, run)

        return handler

    async def _ask(
        self, name: str, symbols: Sequence[str], through: str, urgency: Urgency, run: Run
    ) -> Results:
        """Ask about symbols one by one, keeping what came after each few.

        Raises:
            Transient: nobody answered at all.
        """
        chain, done, bars = self._chains[name], 0, 0
        for place in range(0, len(symbols), CHUNK):
            chunk = symbols[place : place + CHUNK]
            with spending_for(name, urgency):
                got, report = await self._get(chain, chunk, through)
            await self._tiers.note(got)
            done += len(got)
            bars += sum(report.published.values())
            await run.progress(done, len(symbols))
            if not got and chain.retry_in_s > 0:
                break
        if symbols and not done:
            raise Transient(f"no source answers for {name}", max(60.0, chain.retry_in_s))
        return {"asked": str(len(symbols)), "got": str(done), "bars": str(bars)}

    async def _get(
        self, chain: SourceChain, chunk: Sequence[str], through: str
    ) -> tuple[list[Priced], Report]:
        now = self._clock.now()
        session = self._hours.open_session(now, GRACE) if through == "asked" else None
        if session is not None:
            request = Request("1m", session.opens, session.closes + timedelta(minutes=1))
        else:
            last = self._hours.last_closed(now - timedelta(minutes=15))
            first = self._hours.sessions_back(last.day, DEEP_SESSIONS)
            request = Request("1d", _midnight(first), _midnight(last.day + timedelta(days=1)))
        asked_at: dict[str, datetime] = {}
        latest: dict[str, PriceBar] = {}

        async def send(bar: PriceBar) -> bool:
            asked_at[bar.symbol] = bar.fetched_at
            if bar.symbol not in latest or bar.ts >= latest[bar.symbol].ts:
                latest[bar.symbol] = bar
            return await self._outlets.send(bar)

        report = await publish_cycle(
            chain.fetch(chunk, request), send, lambda _: True, lambda: self._clock.now().timestamp()
        )
        await self._outlets.flush()
        ended = self._clock.now()
        shown = None if session is not None else last.closes
        got = [
            Priced(
                symbol,
                shown or min(asked_at.get(symbol, ended), session.closes if session else ended),
                asked_at.get(symbol, ended),
                source,
                _traded(latest.get(symbol)),
            )
            for symbol, source in report.answered.items()
        ]
        got += [Priced(one.symbol, NOTHING, ended, "none") for one in report.missed if one.absent]
        return got, report

    async def _standings(self, tier: int | None = None) -> list[Standing]:
        """Members; on the very first use they are computed."""
        found = await self._tiers.standings(tier)
        if not found and not await self._tiers.standings():
            await self.assign()
            found = await self._tiers.standings(tier)
        return found

    async def _stale(self) -> list[str]:
        now = self._clock.now()
        return stale_symbols(await self._standings(1), self._sessions(now), now, self._settings.stale_h)

    def _missing(self, standings: Collection[Standing]) -> list[Session]:
        """Sessions that no grouped day was got of, oldest first; at the very first the last one alone."""
        now = self._clock.now()
        last = self._hours.last_closed(now - timedelta(minutes=15))
        newest = max((one.through for one in standings if one.tier == 4 and one.through), default=None)
        sessions = [one for one in self._sessions(now) if one.closes <= last.closes]
        if newest is None:
            return sessions[-1:]
        return [one for one in sessions if one.closes > newest][-CATCH_UP_SESSIONS:]

    def _sessions(self, now: datetime) -> list[Session]:
        return self._hours.between(now - timedelta(days=20), now + timedelta(days=5))


def stale_symbols(
    standings: Sequence[Standing], sessions: Sequence[Session], now: datetime, stale_h: float
) -> list[str]:
    """Those that are further behind the market than so many hours, the furthest first."""
    through = np.array([one.through.timestamp() if one.through else NEVER for one in standings])
    behind = Trading(sessions).behind_s(through, now.timestamp())
    order = np.argsort(-behind, kind="stable")
    return [standings[place].symbol for place in order if behind[place] > stale_h * 3600]


def _priced(bar: PriceBar, closes: datetime, asked_at: datetime) -> Priced:
    return Priced(bar.symbol, closes, asked_at, bar.source, _traded(bar))


def _traded(bar: PriceBar | None) -> float | None:
    """Dollars that changed hands in a session; a shorter bar does not say."""
    return bar.close * bar.volume if bar is not None and bar.interval == "1d" and bar.volume > 0 else None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
