"""Settings of the caretaker: `AXIOM_CARETAKER_*`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from axiom.settings import home


class CaretakerSettings(BaseSettings):
    """What the caretaker keeps where.

    Attributes:
        reports: folder of the reports; None is `reports` in the stack's home.
        warmed: how many symbols of tier 1 are read before the market opens, beside the watch list.
    """

    model_config = SettingsConfigDict(
        env_prefix="axiom_caretaker_", frozen=True, extra="ignore", env_ignore_empty=True
    )
    reports: Path | None = None
    warmed: int = Field(default=500, ge=0, le=10_000)

    @property
    def reports_folder(self) -> Path:
        """The folder, chosen or by default."""
        return self.reports or home() / "reports"
