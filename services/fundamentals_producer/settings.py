"""Settings of the fundamentals-producer: `AXIOM_FUNDAMENTALS_*`; more in `axiom.sources.settings`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from axiom.universe.watchlist import split_list


class FundamentalsSettings(BaseSettings):
    """Where fundamentals come from.

    Attributes:
        sources: tried in this order for each company; empty: file where one is named, yahoo, finnhub where it
            has a key, and `universe`, the list of companies, as the last resort.
        poll_every_s: from one round over the watch list to the next.
        file: the JSON lines that the source `file` answers from.
    """

    model_config = SettingsConfigDict(
        env_prefix="axiom_fundamentals_", frozen=True, extra="ignore", env_ignore_empty=True
    )
    sources: Annotated[tuple[str, ...], NoDecode] = ()
    poll_every_s: float = Field(default=86_400.0, gt=0)
    file: Path | None = None

    @field_validator("sources", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_list(value)
