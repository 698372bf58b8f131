"""One module a source; `build` finds it by name."""

from __future__ import annotations

import importlib
import pkgutil
from typing import cast

from axiom.errors import Misconfigured
from axiom.resilience.clock import Clock
from services.price_producer.settings import ProducerSettings
from services.price_producer.sources.port import PriceSource


def build(name: str, settings: ProducerSettings, clock: Clock) -> PriceSource:
    """The source of that name.

    Raises:
        Misconfigured: there is none; the message lists those there are.
    """
    known = {module.name for module in pkgutil.iter_modules(__path__)}
    make = getattr(importlib.import_module(f"{__name__}.{name}"), "make", None) if name in known else None
    if make is None:
        raise Misconfigured(
            f"AXIOM_PRODUCER_SOURCES names {name!r}, which is no source; there are: {', '.join(available())}"
        )
    return cast(PriceSource, make(settings, clock))


def available() -> list[str]:
    """The names that `build` knows."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [name for name in names if hasattr(importlib.import_module(f"{__name__}.{name}"), "make")]
