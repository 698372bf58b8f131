"""One module a source; `build` finds it by name."""

from __future__ import annotations

import sys
from typing import cast

from axiom.sources import finding
from services.news_producer.sources.port import NewsSource, Setup


def build(name: str, setup: Setup) -> NewsSource:
    """The source of that name.

    Raises:
        Misconfigured: there is none, or a setting that it needs is missing.
    """
    return cast(NewsSource, finding.build(sys.modules[__name__], name, "AXIOM_NEWS_SOURCES", setup))


def available() -> list[str]:
    """The names that `build` knows."""
    return finding.available(sys.modules[__name__])
