"""Finds the sinks in `services/`, for commands that work on stores."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any, get_type_hints

import services
from axiom.errors import Misconfigured
from axiom.runtime.sink import Sink
from axiom.settings import load

_SUFFIX = "_sink"


def store_names() -> list[str]:
    """The stores that have a sink: `postgres`, `redis`, …"""
    found = (module.name for module in pkgutil.iter_modules(services.__path__))
    return [name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX)]


def chosen(stores: list[str] | None) -> list[str]:
    """The stores that a command line names; none, or `all`, means every one.

    Raises:
        Misconfigured: there is no such store.
    """
    known = store_names()
    if not stores or "all" in stores:
        return known
    unknown = [name for name in stores if name not in known]
    if unknown:
        raise Misconfigured(f"no store is called {', '.join(unknown)}; take of: {', '.join(known)}, all")
    return stores


def sink_of(store: str) -> Sink[Any]:
    """The sink of a store, connected by the settings in force."""
    make_sink = importlib.import_module(f"services.{store}{_SUFFIX}.sink").make_sink
    sink: Sink[Any] = make_sink(load(get_type_hints(make_sink)["settings"]))
    return sink
