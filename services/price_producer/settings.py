"""Settings of the price-producer: `AXIOM_PRODUCER_*`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from axiom.sources.settings import SourceSettings
from axiom.universe.watchlist import split_list


class ProducerSettings(SourceSettings):
    """What to fetch and from whom.

    Attributes:
        sources: tried in this order for each symbol; `sample` is replayed only when none before it
            answered at all; `synthetic` alone gives a made-up market that never closes.
        poll_every_s: between polls of minute bars while the market is open.
        poll_delay_s: how long after a minute's end its bar is asked for.
        backfill_sessions: how many past sessions of daily bars the first fetch gets.
        rate_per_s, seed: of the synthetic market: bars a second over all symbols, and which market.
    """

    sources: Annotated[tuple[str, ...], NoDecode] = ("yahoo", "sample")
    poll_every_s: float = Field(default=60.0, gt=0)
    poll_delay_s: float = Field(default=5.0, ge=0)
    backfill_sessions: int = Field(default=60, ge=1, le=2500)
    rate_per_s: float = Field(default=10.0, gt=0)
    seed: int = 7

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
