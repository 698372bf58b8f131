from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import axiom
import services
from axiom.stores.control_copy import migrations_below
from tests.architecture.source import ROOT

pytestmark = pytest.mark.unit

FOUND = migrations_below(*(Path(folder) for top in (axiom, services) for folder in top.__path__))
USERS = sorted(
    path
    for top in ("libs/axiom", "services")
    for path in (ROOT / top).rglob("*.py")
    if "\nMIGRATIONS = " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("path", USERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_tables_are_found_under_the_names_that_their_packages_use(path: Path) -> None:
    """Else a restore would not know who made them, and a set-up would make them again."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removeprefix("libs.")
    declared = importlib.import_module(name).MIGRATIONS
    if isinstance(declared, Path):
        assert declared in FOUND.values()
    else:
        assert declared.items() <= FOUND.items()


def test_every_package_with_tables_is_found() -> None:
    assert {"scheduler", "llm", "quota", "tiers", "universe", "analyst"} <= FOUND.keys()
