"""Settings that all producers share (`AXIOM_PRODUCER_*`), and those of Finnhub."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from axiom.universe.watchlist import WatchListSettings


class SourceSettings(WatchListSettings):
    """How patiently sources are asked.

    Attributes:
        retry_min_s, retry_max_s: backoff between tries while no live source answers.
        breaker_failures: failures in a row after which a source is left alone for `breaker_reset_s`.
        dead_symbol_ttl_s: how long a symbol that a source does not know is not asked of it again.
        request_timeout_s: of one HTTP call.
        yahoo_url: send the calls for Yahoo to this address instead (a relay, or a recording in tests).
    """

    retry_min_s: float = Field(default=5.0, gt=0)
    retry_max_s: float = Field(default=300.0, gt=0)
    breaker_failures: int = Field(default=3, ge=1)
    breaker_reset_s: float = Field(default=60.0, gt=0)
    dead_symbol_ttl_s: float = Field(default=6 * 3600.0, gt=0)
    request_timeout_s: float = Field(default=5.0, gt=0)
    yahoo_url: str | None = None


class FinnhubSettings(BaseSettings):
    """Finnhub's key and pace: `AXIOM_FINNHUB_*`.

    Attributes:
        api_key: without it Finnhub is left out.
        calls_per_minute, calls_per_second: of one service. A free key allows 60 and 30 in all, and two
            services use it.
        url: send the calls to this address instead (a relay, or a recording in tests).
    """

    model_config = SettingsConfigDict(
        env_prefix="axiom_finnhub_", frozen=True, extra="ignore", env_ignore_empty=True
    )
    api_key: SecretStr | None = None
    calls_per_minute: int = Field(default=30, ge=1)
    calls_per_second: int = Field(default=15, ge=1)
    url: str = "https://finnhub.io/api/v1"
