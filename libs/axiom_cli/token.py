"""`axiom token`: what lets one use the HTTP API."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from axiom.settings import load


class Role(StrEnum):
    """Whose token: a viewer reads, an operator also steers."""

    VIEWER = "viewer"
    OPERATOR = "operator"


class _Tokens(BaseSettings):
    """The API's tokens, and where it is."""

    model_config = SettingsConfigDict(
        env_prefix="axiom_api_", frozen=True, extra="ignore", env_ignore_empty=True
    )
    port: int = 19040
    viewer_token: SecretStr
    operator_token: SecretStr


def register(root: typer.Typer) -> None:
    """Add the command."""
    root.command()(token)


def token(
    role: Annotated[Role, typer.Argument(help="Whose.")] = Role.VIEWER,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")] = False,
) -> None:
    """Print a token of the HTTP API.

    curl -H "Authorization: Bearer $(axiom token)" http://127.0.0.1:19040/prices/AAPL
    """
    tokens = load(_Tokens)
    chosen = tokens.operator_token if role is Role.OPERATOR else tokens.viewer_token
    if as_json:
        told = {"role": role, "token": chosen.get_secret_value(), "url": f"http://127.0.0.1:{tokens.port}"}
        print(json.dumps(told))  # noqa: T201
    else:
        print(chosen.get_secret_value())  # noqa: T201
