"""Settings of the price-producer: `AXIOM_PRODUCER_*`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from axiom.universe.watchlist import WatchListSettings, split_list


class ProducerSettings(WatchListSettings):
    """What to fetch, from whom, and how patiently.

    Attributes:
        sources: tried in this order for each symbol; `sample` is replayed only when none before it
            answered at all; `synthetic` alone gives a made-up market that never closes.
        poll_every_s: between polls of minute bars while the market is open.
        poll_delay_s: how long after a minute's end its bar is asked for.
        backfill_sessions: how many past sessions of daily bars the first fetch gets.
        retry_min_s, retry_max_s: backoff between tries while no live source answers.
        breaker_failures: failures in a row after which a source is left alone for `breaker_reset_s`.
        dead_symbol_ttl_s: how long a symbol that a source does not know is not asked of it again.
        rate_per_s, seed: of the synthetic market: bars a second over all symbols, and which market.
        request_timeout_s: of one HTTP call.
        yahoo_url: send the calls for Yahoo to this address instead (a relay, or a recording in tests).
    """

    sources: Annotated[tuple[str, ...], NoDecode] = ("yahoo", "sample")
    poll_every_s: float = Field(default=60.0, gt=0)
    poll_delay_s: float = Field(default=5.0, ge=0)
    backfill_sessions: int = Field(default=60, ge=1, le=2500)
    retry_min_s: float = Field(default=5.0, gt=0)
    retry_max_s: float = Field(default=300.0, gt=0)
    breaker_failures: int = Field(default=3, ge=1)
    breaker_reset_s: float = Field(default=60.0, gt=0)
    dead_symbol_ttl_s: float = Field(default=6 * 3600.0, gt=0)
    rate_per_s: float = Field(default=10.0, gt=0)
    seed: int = 7
    request_timeout_s: float = Field(default=5.0, gt=0)
    yahoo_url: str | None = None

    @field_validator("sources", mode="before")
    @classmethod
    def _split_sources(cls, value: object) -> object:
        return split_list(value)

    @field_validator("sources")
    @classmethod
    def _some(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("name at least one source, for example yahoo,sample")
        return value
