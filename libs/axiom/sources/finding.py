"""Sources by the names of their modules: adding one touches nothing else."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Any

from axiom.errors import Misconfigured


def available(package: ModuleType) -> list[str]:
    """The modules of a package that have a function `make`."""
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return [name for name in names if hasattr(importlib.import_module(f"{package.__name__}.{name}"), "make")]


def build(package: ModuleType, name: str, setting: str, *arguments: Any) -> Any:
    """What `make(*arguments)` of the module `name` makes; `setting` is where the name was given.

    Raises:
        Misconfigured: there is no such source; the message lists those there are.
    """
    known = {module.name for module in pkgutil.iter_modules(package.__path__)}
    module = importlib.import_module(f"{package.__name__}.{name}") if name in known else None
    make = getattr(module, "make", None)
    if make is None:
        there = ", ".join(available(package))
        raise Misconfigured(f"{setting} names {name!r}, which is no source; there are: {there}")
    return make(*arguments)
