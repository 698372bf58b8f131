"""Finds sinks and declared jobs by looking into the `services` package: nobody keeps a list of them.

The library knows no service by name; whoever asks here (the `axiom` command, the API) works with whatever
services there are, by the types that all of them implement.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any, get_type_hints

from axiom.errors import Misconfigured
from axiom.runtime.sink import Sink
from axiom.scheduling.job import Job
from axiom.settings import load

_SERVICES = "services"
_SUFFIX = "_sink"


def store_names() -> list[str]:
    """The stores that have a sink: `postgres`, `redis`, …"""
    found = (module.name for module in pkgutil.iter_modules(importlib.import_module(_SERVICES).__path__))
    return [name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX)]


def chosen_stores(stores: list[str] | None) -> list[str]:
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
    make_sink = importlib.import_module(f"{_SERVICES}.{store}{_SUFFIX}.sink").make_sink
    sink: Sink[Any] = make_sink(load(get_type_hints(make_sink)["settings"]))
    return sink


def declared_jobs() -> Mapping[str, Job]:
    """Every job that is declared, by name.

    Raises:
        Misconfigured: two have one name, or one waits for a job that is not there.
    """
    jobs: Mapping[str, Job] = importlib.import_module(f"{_SERVICES}.scheduler.jobs").declared()
    return jobs
