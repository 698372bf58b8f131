"""What a simulation runs, put together: real clients, governor and tiers; providers that are played."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr
from pydantic_settings import BaseSettings

from axiom.market.hours import MarketHours
from axiom.quota.meter import spending_for
from axiom.runtime.jobs import Results, Run
from axiom.sources.access import Access, Getter
from axiom.sources.finnhub import FinnhubClient
from axiom.sources.outcomes import RateLimited, SourceDown
from axiom.sources.settings import FinnhubSettings
from axiom.tiers.memory import MemoryTiers
from axiom.tiers.settings import TierSettings
from axiom.universe.listing import Universe
from axiom_sim.counting import Books
from axiom_sim.faults import Faults
from axiom_sim.market import Market, universe_of
from axiom_sim.providers import AlphaVantageSite, FinnhubSite, PlayedSite, PolygonSite, YahooSite
from axiom_sim.transport import getter, yahoo_transport
from axiom_sim.virtual import VirtualClock
from services.price_producer.cycle import publish_cycle
from services.price_producer.settings import ProducerSettings
from services.price_producer.sources.port import Request, Setup
from services.price_producer.sources.yahoo import YahooSource
from services.price_producer.tier_chains import KEYS, chain_of, discover, make_tier_jobs, sources_of
from services.price_producer.tier_jobs import Outlets, TierJobs
from topics.price_updates import PriceBar

S = TypeVar("S", bound=BaseSettings)
BOOKS = {
    "finnhub": ({"second": (1.0, 30), "minute": (60.0, 60)}, None, "America/New_York"),
    "alpha_vantage": ({"minute": (60.0, 5)}, 25, "America/New_York"),
    "polygon": ({"minute": (60.0, 5)}, None, "America/New_York"),
    "yahoo": ({"minute": (60.0, 120)}, 10_000, "UTC"),
}
"""The limits of free keys, as the providers count them.

Yahoo publishes none. Ours on it are well below these, as yfinance asks more than once for some answers.
"""


@dataclass(frozen=True)
class Scene:
    """What is simulated.

    Attributes:
        providers: keys that there are.
        grouped: whether the grouped days are used.
        calm: no provider fails.
        watched: the watch list; empty: the usual one.
        data_usd: what paid data plans cost in a month; Claude gets what they leave of the cap.
    """

    first: date
    days: int = 1
    symbols: int = 6000
    seed: int = 1
    providers: tuple[str, ...] = ("finnhub", "alpha_vantage", "polygon")
    grouped: bool = True
    calm: bool = False
    over_http: bool = False
    settings: TierSettings = field(default_factory=TierSettings)
    watched: tuple[str, ...] = ()
    data_usd: Decimal = Decimal(0)


class World:
    """The parts, for one run on one clock."""

    def __init__(self, scene: Scene, clock: VirtualClock) -> None:
        self.scene = scene
        self.clock = clock
        self.hours = MarketHours(history_days=250)
        self.watched = ProducerSettings(symbols=scene.watched).watched
        self.universe = universe_of(scene.symbols, self.watched)
        self.faults = Faults(scene.first, scene.days, scene.seed, none=scene.calm)
        self.settings = scene.settings.model_copy(update={"grouped_daily": scene.grouped})
        self.sites = self._sites()
        self.tiers = MemoryTiers()
        self.bars: dict[str, int] = {}
        self._getters: list[Getter] = []

    def _sites(self) -> dict[str, PlayedSite]:
        market = Market(self.universe.listings.keys())
        kinds = (FinnhubSite, AlphaVantageSite, PolygonSite, YahooSite)
        return {
            kind.name: kind(market, self.hours, self.faults, self.clock, Books(*BOOKS[kind.name]))
            for kind in kinds
        }

    async def open(self, addresses: Mapping[str, str]) -> TierJobs:
        """The jobs over the real clients; `addresses`: where each provider is."""
        producer = ProducerSettings(sources=("finnhub", "yahoo"), symbols=self.watched)
        plain = Access.in_memory(self.clock)

        def ask_through() -> Getter:
            self._getters.append(getter(self.sites, plain.timeout_s, over_http=self.scene.over_http))
            return self._getters[-1]

        access = replace(plain, getter=ask_through)
        setup = Setup(producer, self.clock, access, Loader(addresses, self.scene.providers))
        yahoo_site = self.sites["yahoo"]
        assert isinstance(yahoo_site, YahooSite)  # noqa: S101 - for the type checker
        yahoo = YahooSource(self.clock, cache_folder(), transport=yahoo_transport(yahoo_site))
        sources = sources_of(setup, self.settings, yahoo)
        await discover(sources)
        # One source: yfinance takes a hundred times longer for an answer than the other clients.
        self._core = chain_of([sources.get("finnhub", sources["yahoo"])], setup)
        self._news = FinnhubClient(setup.load(FinnhubSettings), access) if "finnhub" in sources else None
        jobs = make_tier_jobs(sources, setup, self.settings, self.tiers, self._listed, self.outlets)
        await jobs.assign()
        return jobs

    async def close(self) -> None:
        """Release the clients' connections."""
        for one in self._getters:
            await one.close()

    @property
    def outlets(self) -> Outlets:
        """Bars are counted, by source."""

        async def send(bar: PriceBar) -> bool:
            self.bars[bar.source] = self.bars.get(bar.source, 0) + 1
            return True

        async def flush() -> None:
            """Nothing waits."""

        return Outlets(send, flush)

    async def _listed(self) -> Universe:
        return self.universe

    async def data_ingestion(self, run: Run) -> Results:
        """The watch list's prices of the minute."""
        now = self.clock.now()
        session = self.hours.open_session(now, timedelta(minutes=3))
        if session is None:
            return {"skipped": "the market is closed"}
        request = Request("1m", session.opens, session.closes + timedelta(minutes=1))
        with spending_for("data_ingestion", "essential"):
            answers = self._core.fetch(self.watched, request)
            report = await publish_cycle(answers, self.outlets.send, lambda _: True, lambda: 0.0)
        return {"got": str(len(report.answered)), "missed": str(len(report.missed))}

    async def news(self, run: Run) -> Results:
        """The watch list's news of Finnhub."""
        got = 0
        if self._news is None:
            return {"skipped": "no key"}
        for symbol in self.watched:
            with spending_for("news"):
                answer = await self._news.get("company-news", symbol, {"from": "", "to": ""})
            if isinstance(answer, RateLimited) or (isinstance(answer, SourceDown) and not answer.reachable):
                break
            got += isinstance(answer, list)
        return {"got": str(got)}


@cache
def cache_folder() -> Path:
    """Where yfinance keeps its cookies: one folder for the process, as long as that lives."""
    folder = tempfile.mkdtemp(prefix="axiom-simulate-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


class Loader:
    """Settings as `axiom.settings.load` gives them, with keys for the providers of the scene."""

    def __init__(self, addresses: Mapping[str, str], providers: tuple[str, ...]) -> None:
        self._addresses = addresses
        self._providers = providers

    def __call__(self, kind: type[S]) -> S:
        name = next(name for name, keyed in KEYS.items() if keyed is kind)
        key = SecretStr("a-simulated-key") if name in self._providers else None
        return kind(api_key=key, url=self._addresses[name])
