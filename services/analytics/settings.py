"""Settings of analytics: `AXIOM_ANALYTICS_*`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.analytics.unusual import Unusual


class AnalyticsSettings(BaseSettings):
    """What is told of live bars.

    Attributes:
        min_r: from this |r| on two watched symbols are an edge.
        min_times, min_move, severe_move, min_volume_times: see `unusual.Unusual`.
        batch_records: so many records are worked on at once, at most; fewer where no more are there.
        lookback_h: how far before its place in the log, in the records' own time, a start reads again. It
            must be more than bars are kept (a third of a day) and the longest delay of bars together.
    """

    model_config = SettingsConfigDict(
        env_prefix="axiom_analytics_", frozen=True, extra="ignore", env_ignore_empty=True
    )
    min_r: float = Field(default=0.5, gt=0, lt=1)
    min_times: float = Field(default=4.0, gt=0)
    min_move: float = Field(default=0.005, gt=0)
    severe_move: float = Field(default=0.05, gt=0)
    min_volume_times: float = Field(default=10.0, gt=1)
    batch_records: int = Field(default=1000, ge=1, le=100_000)
    lookback_h: float = Field(default=24.0, ge=12, le=24 * 31)

    @property
    def limits(self) -> Unusual:
        """From when on a move is unusual."""
        return Unusual(self.min_times, self.min_move, self.severe_move, self.min_volume_times)
