"""Settings that all producers share (`AXIOM_PRODUCER_*`), and those of the providers with keys."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from axiom.errors import Misconfigured
from axiom.quota.model import Quota
from axiom.universe.watchlist import WatchListSettings

FINNHUB_KEY = "AXIOM_FINNHUB_API_KEY"
ALPHA_VANTAGE_KEY = "AXIOM_ALPHA_VANTAGE_API_KEY"
POLYGON_KEY = "AXIOM_POLYGON_API_KEY"


def _config(group: str) -> SettingsConfigDict:
    return SettingsConfigDict(
        env_prefix=f"axiom_{group}_", frozen=True, extra="ignore", env_ignore_empty=True
    )


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


class KeySettings(BaseSettings):
    """A provider's key and what its plan allows. Subclasses say the free plan's limits.

    Attributes:
        api_key: without it the provider is left out.
        calls_per_minute, calls_per_day: of the key, over every service that uses it; 0: no such limit.
        monthly_usd: what the plan costs.
        url: send the calls to this address instead (a relay, or a recording in tests).
    """

    key_name: ClassVar[str]
    zone: ClassVar[str] = "America/New_York"
    api_key: SecretStr | None = None
    calls_per_second: int = Field(default=0, ge=0)
    calls_per_minute: int = Field(default=0, ge=0)
    calls_per_day: int = Field(default=0, ge=0)
    monthly_usd: Decimal = Field(default=Decimal(0), ge=0)
    url: str

    def key(self) -> str:
        """The key.

        Raises:
            Misconfigured: there is none.
        """
        if self.api_key is None:
            name = type(self).__name__.removesuffix("Settings")
            raise Misconfigured(f"{name} needs {self.key_name}: set it, or leave the source out")
        return self.api_key.get_secret_value()

    def quota(self, transit_s: float) -> Quota:
        """What the key allows."""
        windows = {1.0: self.calls_per_second, 60.0: self.calls_per_minute}
        return Quota(
            provider_of(self),
            {length: calls for length, calls in windows.items() if calls},
            self.calls_per_day or None,
            self.zone,
            transit_s,
        )


class FinnhubSettings(KeySettings):
    """Finnhub: `AXIOM_FINNHUB_*`. A free key allows 60 calls a minute, and 30 in one second."""

    model_config = _config("finnhub")
    key_name: ClassVar[str] = FINNHUB_KEY
    calls_per_second: int = Field(default=30, ge=0)
    calls_per_minute: int = Field(default=60, ge=0)
    url: str = "https://finnhub.io/api/v1"


class AlphaVantageSettings(KeySettings):
    """Alpha Vantage: `AXIOM_ALPHA_VANTAGE_*`. A free key allows 25 calls a day, and 5 a minute."""

    model_config = _config("alpha_vantage")
    key_name: ClassVar[str] = ALPHA_VANTAGE_KEY
    calls_per_minute: int = Field(default=5, ge=0)
    calls_per_day: int = Field(default=25, ge=0)
    url: str = "https://www.alphavantage.co/query"


class PolygonSettings(KeySettings):
    """Polygon (Massive): `AXIOM_POLYGON_*`. A free key allows 5 calls a minute."""

    model_config = _config("polygon")
    key_name: ClassVar[str] = POLYGON_KEY
    calls_per_minute: int = Field(default=5, ge=0)
    url: str = "https://api.polygon.io"


def provider_of(settings: KeySettings) -> str:
    """`alpha_vantage`, as in `AXIOM_ALPHA_VANTAGE_API_KEY`."""
    return settings.key_name.removeprefix("AXIOM_").removesuffix("_API_KEY").lower()
