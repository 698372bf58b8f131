"""One module a source; `build` finds it by name."""

from __future__ import annotations

import sys
from typing import cast

from axiom.sources import finding
from services.price_producer.sources.port import PriceSource, Setup


def build(name: str, setup: Setup) -> PriceSource:
    """The source of that name.

    Raises:
        Misconfigured: there is none; the message lists those there are.
    """
    package = sys.modules[__name__]
    return cast(PriceSource, finding.build(package, name, "AXIOM_PRODUCER_SOURCES", setup))


def available() -> list[str]:
    """The names that `build` knows."""
    return finding.available(sys.modules[__name__])
