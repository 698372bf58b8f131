"""The project's Python modules as syntax trees, and what each imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TOPS = {"libs/axiom": "axiom", "libs/axiom_cli": "axiom_cli", "libs/axiom_verify": "axiom_verify",
        "libs/axiom_sim": "axiom_sim",
        "topics": "topics", "services": "services", "deploy": "deploy"}  # fmt: skip


@dataclass(frozen=True)
class Module:
    """One file; `name` as it is imported."""

    name: str
    path: Path
    tree: ast.Module

    @cached_property
    def imports(self) -> set[str]:
        """What it imports anywhere in the file: modules, and `module.name` for `from module import name`."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        return found


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the project but the tests."""
    return tuple(_modules())


def _modules() -> Iterator[Module]:
    for folder, package in TOPS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = (package, *path.relative_to(ROOT / folder).with_suffix("").parts)
            name = ".".join(part for part in parts if part != "__init__")
            yield Module(name, path, ast.parse(path.read_text(encoding="utf-8")))


def is_within(name: str, package: str) -> bool:
    """Whether a dotted name is the package or lies in it."""
    return name == package or name.startswith(package + ".")
