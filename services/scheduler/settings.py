"""Settings of the scheduler: `AXIOM_SCHEDULER_*`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from axiom.universe.watchlist import split_list


class SchedulerSettings(BaseSettings):
    """How the scheduler works.

    Attributes:
        poll_s: the longest wait between decisions: so soon are reports and people's wishes seen.
        lease_s: a scheduler that is gone is replaced after so long.
        keep_days: older history in schema `control` is forgotten by `database_maintenance`.
        jobs: only these are run; empty: all that are declared. The others are not on the clock at all.
    """

    model_config = SettingsConfigDict(
        env_prefix="axiom_scheduler_", frozen=True, extra="ignore", env_ignore_empty=True
    )
    poll_s: float = Field(default=0.5, gt=0, le=10)
    lease_s: float = Field(default=10.0, ge=1, le=300)
    keep_days: int = Field(default=400, ge=7)
    jobs: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator("jobs", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_list(value)
