"""Settings of the enricher: `AXIOM_ENRICHER_*`. Those of Claude and the budget are the library's."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class EnricherSettings(BaseSettings):
    """What is read, and how much at once.

    Attributes:
        concurrency: calls to Claude at once.
        in_flight: records at work at once, waiting ones and batched ones included.
        max_mutations: the most mutations that one record may lead to.
        min_severity: price moves below it are not read.
        min_correlation: correlations whose |r| is below it are not explained.
        batch_companies: companies, and near the cap correlations, are read through message batches, at half
            the price and within an hour.
        batch_size, batch_wait_s: a batch is sent with so many companies, or after so long.
        batch_poll_s: how often the answers of batches are looked for.
    """

    model_config = SettingsConfigDict(
        env_prefix="axiom_enricher_", frozen=True, extra="ignore", env_ignore_empty=True
    )
    concurrency: int = Field(default=8, ge=1, le=500)
    in_flight: int = Field(default=200, ge=1, le=10_000)
    max_mutations: int = Field(default=12, ge=1, le=100)
    min_severity: float = Field(default=0.7, ge=0, le=1)
    min_correlation: float = Field(default=0.7, ge=0, le=1)
    batch_companies: bool = True
    batch_size: int = Field(default=30, ge=1, le=1000)
    batch_wait_s: float = Field(default=30.0, gt=0)
    batch_poll_s: float = Field(default=20.0, gt=0)
