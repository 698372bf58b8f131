"""One module a topic: its payload model and its declaration. `all_topics()` finds them by looking."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from axiom.contracts.topic import Topic


def all_topics() -> dict[str, Topic[Any]]:
    """Every declared topic by name, found in this folder's modules."""
    found = (
        importlib.import_module(f"topics.{module.name}").TOPIC for module in pkgutil.iter_modules(__path__)
    )
    return {topic.name: topic for topic in sorted(found, key=lambda topic: topic.name)}
