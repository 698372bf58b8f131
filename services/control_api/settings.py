"""Settings of the API: `AXIOM_API_*`."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from axiom.universe.watchlist import split_list

_SHORTEST_TOKEN = 32


class ApiSettings(BaseSettings):
    """Where the API listens, who may use it, and how much.

    Attributes:
        viewer_token, operator_token: a viewer reads; an operator also steers.
        hosts: names that a request's `Host` may have (a port after it is ignored), against DNS rebinding.
        origins: origins, beside the API's own, whose pages may use it; empty: CORS is off.
        wait_s: how long a read waits for `min_offset` at most.
        body_bytes: of a request's body at most.
        requests_per_s, burst: of one token or address; above, requests are refused (429).
        connections: open connections at most, live feeds included; above, requests are refused (503).
        websockets, event_streams: live clients at most.
        mailbox: things that wait for one WebSocket client at most.
        tape_entries: mutations that are kept for all event streams; who is further behind reads the log.
    """

    model_config = SettingsConfigDict(
        env_prefix="axiom_api_", frozen=True, extra="ignore", env_ignore_empty=True
    )
    host: str = "127.0.0.1"
    port: int = Field(default=19040, ge=0, le=65535)
    viewer_token: SecretStr
    operator_token: SecretStr
    hosts: Annotated[tuple[str, ...], NoDecode] = ("127.0.0.1", "localhost", "[::1]")
    origins: Annotated[tuple[str, ...], NoDecode] = ()
    wait_s: float = Field(default=10.0, gt=0, le=60)
    body_bytes: int = Field(default=64 * 1024, ge=1024)
    requests_per_s: float = Field(default=200.0, gt=0)
    burst: int = Field(default=400, ge=1)
    connections: int = Field(default=1000, ge=10)
    websockets: int = Field(default=400, ge=1)
    event_streams: int = Field(default=200, ge=1)
    mailbox: int = Field(default=1000, ge=1)
    tape_entries: int = Field(default=10_000, ge=1)

    @field_validator("hosts", "origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_list(value)

    @field_validator("viewer_token", "operator_token")
    @classmethod
    def _long_enough(cls, token: SecretStr) -> SecretStr:
        if len(token.get_secret_value()) < _SHORTEST_TOKEN:
            raise ValueError(
                f"is shorter than {_SHORTEST_TOKEN} characters: make one with `openssl rand -hex 32`"
            )
        return token

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.viewer_token == self.operator_token:
            raise ValueError("AXIOM_API_VIEWER_TOKEN and AXIOM_API_OPERATOR_TOKEN are the same")
        return self
