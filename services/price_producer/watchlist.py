"""The default watch list, read from `watchlist.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files


@cache
def sectors() -> dict[str, str]:
    """Symbol to GICS sector, in the file's order."""
    text = files("services.price_producer").joinpath("watchlist.toml").read_text(encoding="utf-8")
    return {stock["symbol"]: stock["sector"] for stock in tomllib.loads(text)["stocks"]}
