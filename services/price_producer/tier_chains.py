"""The tiers' jobs put together out of settings: which sources each asks, in which order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from axiom.quota.meter import HOLD_S, Meter
from axiom.resilience.negative import NegativeCache
from axiom.sources.breakers import breakers_for
from axiom.sources.settings import AlphaVantageSettings, FinnhubSettings, KeySettings, PolygonSettings
from axiom.tiers.port import Tiers
from axiom.tiers.settings import TierSettings
from axiom.tiers.work import sweeps
from axiom.universe.listing import Universe
from services.price_producer.chain import SourceChain
from services.price_producer.paced import PacedSource
from services.price_producer.sources import build
from services.price_producer.sources.port import DiscoveringSource, PriceSource, Setup
from services.price_producer.tier_jobs import Outlets, TierJobs

KEYS: dict[str, type[KeySettings]] = {
    "finnhub": FinnhubSettings,
    "alpha_vantage": AlphaVantageSettings,
    "polygon": PolygonSettings,
}


def sources_of(setup: Setup, tiers: TierSettings, yahoo: PriceSource | None = None) -> dict[str, PriceSource]:
    """Every source that there is a key for, and Yahoo at our own pace; `yahoo`: in place of the real one."""
    found = {name: build(name, setup) for name, kind in KEYS.items() if setup.load(kind).api_key is not None}
    access = setup.access
    quota = tiers.yahoo_quota(access.timeout_s + HOLD_S)
    meter = Meter(access.governor, quota, access.clock, access.patience_s)
    return found | {"yahoo": PacedSource(yahoo or build("yahoo", setup), meter)}


async def discover(sources: dict[str, PriceSource]) -> None:
    """Find out what the keys allow; raises StoreDown while what is known can't be read."""
    for source in sources.values():
        if isinstance(source, DiscoveringSource):
            await source.discover()


def make_tier_jobs(
    sources: dict[str, PriceSource],
    setup: Setup,
    settings: TierSettings,
    tiers: Tiers,
    universe: Callable[[], Awaitable[Universe]],
    outlets: Outlets,
) -> TierJobs:
    """The jobs, each with a chain of its own: a breaker that opens for one leaves the others alone."""
    wanted = {sweep.name: sweep.providers for sweep in sweeps(settings)}
    wanted |= {"stale_refresh": ("finnhub", "yahoo", "polygon"), "tier_4": ("yahoo",)}
    chains = {
        name: chain_of([sources[one] for one in who if one in sources], setup) for name, who in wanted.items()
    }
    polygon = sources.get("polygon")
    grouped = polygon if polygon is not None and polygon.capabilities.batch else None
    return TierJobs(chains, grouped, tiers, universe, setup.settings.watched, settings, outlets, setup.clock)


def chain_of(sources: list[PriceSource], setup: Setup) -> SourceChain:
    """Failover over these sources, with breakers of its own."""
    patience = setup.settings
    names = [source.name for source in sources]
    breakers = breakers_for(names, patience.breaker_failures, patience.breaker_reset_s, setup.clock)
    return SourceChain(sources, breakers, NegativeCache(patience.dead_symbol_ttl_s, clock=setup.clock))
