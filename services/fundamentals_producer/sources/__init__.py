"""One module a source; `build` finds it by name."""

from __future__ import annotations

import sys
from typing import cast

from axiom.sources import finding
from services.fundamentals_producer.sources.port import FundamentalsSource, Setup


def build(name: str, setup: Setup) -> FundamentalsSource:
    """The source of that name.

    Raises:
        Misconfigured: there is none, or a setting that it needs is missing.
    """
    found = finding.build(sys.modules[__name__], name, "AXIOM_FUNDAMENTALS_SOURCES", setup)
    return cast(FundamentalsSource, found)


def available() -> list[str]:
    """The names that `build` knows."""
    return finding.available(sys.modules[__name__])
