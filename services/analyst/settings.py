"""Settings of the analyst: `AXIOM_ANALYST_*`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from axiom.analysis.correlation import Choice

_WINDOW = re.compile(r"[1-9][0-9]{0,3}d(-spearman)?")


class AnalystSettings(BaseSettings):
    """What is computed.

    Attributes:
        windows: of correlations, in sessions: `30d`, `252d`, with ranks in place of returns `30d-spearman`.
        min_r, false_share, per_symbol, shrinkage: see `axiom.analysis.correlation.Choice`.
        min_change: an edge is published again when its r moved by so much.
        events_h: how long an event's impact is diffused anew.
        min_severity: of an event's severity or of its impact on a company, so that it is diffused.
        look_every_s: how often new severe events are looked for, beside the job's ticks.
        fresh_every_s: how often the prices' age is looked at, for the metrics.
        min_exposure: the least impact on a company by others that is told.
        checked_sessions: how far back data_quality looks.
    """

    model_config = SettingsConfigDict(
        env_prefix="axiom_analyst_", frozen=True, extra="ignore", env_ignore_empty=True
    )
    windows: Annotated[tuple[str, ...], NoDecode] = ("30d", "252d")
    min_r: float = Field(default=0.5, gt=0, lt=1)
    false_share: float = Field(default=0.01, gt=0, lt=1)
    per_symbol: int = Field(default=10, ge=1, le=1000)
    shrinkage: float = Field(default=0.0, ge=0, lt=1)
    min_change: float = Field(default=0.05, ge=0, le=1)
    events_h: float = Field(default=72.0, gt=0, le=24 * 365)
    min_severity: float = Field(default=0.5, ge=0, le=1)
    look_every_s: float = Field(default=30.0, gt=0)
    fresh_every_s: float = Field(default=60.0, gt=0)
    min_exposure: float = Field(default=0.02, gt=0, le=1)
    checked_sessions: int = Field(default=126, ge=20, le=2520)

    @field_validator("windows", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("windows")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for window in value:
            if not _WINDOW.fullmatch(window):
                raise ValueError(f"{window!r} is no window; write 30d, 252d or 252d-spearman")
        return value

    @property
    def choice(self) -> Choice:
        """Pairs that are edges already stay down to nine tenths of `min_r` and half as many places more."""
        return Choice(
            min_r=self.min_r,
            false_share=self.false_share,
            per_symbol=self.per_symbol,
            shrinkage=self.shrinkage,
            keep_r=0.9 * self.min_r,
            keep_per_symbol=self.per_symbol + self.per_symbol // 2,
        )
