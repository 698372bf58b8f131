"""The watch list: the symbols that producers ask about unless told otherwise."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from axiom.contracts.payload import Symbol


class WatchListSettings(BaseSettings):
    """`AXIOM_PRODUCER_SYMBOLS`, which all producers share.

    Attributes:
        symbols: separated by commas; empty: the 25 of `data/watchlist.toml`.
    """

    model_config = SettingsConfigDict(
        env_prefix="axiom_producer_",
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        regex_engine="python-re",
    )
    symbols: Annotated[tuple[Symbol, ...], NoDecode] = ()

    @field_validator("symbols", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_list(value)

    @property
    def watched(self) -> tuple[str, ...]:
        """The symbols, never empty."""
        return self.symbols or tuple(sectors())


def split_list(value: object) -> object:
    """`a,b` as people write lists in the environment, as a tuple; anything else as it is."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


@cache
def sectors() -> dict[str, str]:
    """Symbol to GICS sector, in the file's order."""
    text = files("axiom.universe").joinpath("data/watchlist.toml").read_text(encoding="utf-8")
    return {stock["symbol"]: stock["sector"] for stock in tomllib.loads(text)["stocks"]}
