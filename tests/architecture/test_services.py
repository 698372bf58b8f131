"""Every service is made alike, so that whatever starts them finds what it needs."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from deploy.embedded.servers import SERVERS
from tests.architecture.source import ROOT

pytestmark = pytest.mark.unit

FOLDERS = sorted(path.parent for path in (ROOT / "services").glob("*/__init__.py"))
OFFSETS = {
    "price_producer": 11, "news_producer": 12, "fundamentals_producer": 13,
    "postgres_sink": 21, "redis_sink": 22, "neo4j_sink": 23, "chroma_sink": 24,
}  # fmt: skip


def declared(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "service.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
class TestService:
    def test_it_declares_itself(self, folder: Path) -> None:
        found = declared(folder)
        assert set(found) == {"summary", "port_offset", "needs"}
        assert "\n" not in found["summary"]
        assert 0 < len(found["summary"]) <= 100
        assert isinstance(found["port_offset"], int)
        assert "kafka" in found["needs"]
        assert set(found["needs"]) <= {server.name for server in SERVERS}

    def test_it_runs_as_a_module_and_exits_with_a_code(self, folder: Path) -> None:
        tree = ast.parse((folder / "__main__.py").read_text(encoding="utf-8"))
        assert f"`python -m services.{folder.name}`" in (ast.get_docstring(tree) or "")
        assert "sys.exit(" in ast.unparse(tree)

    def test_its_package_says_what_it_does_and_does_nothing(self, folder: Path) -> None:
        tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
        assert (ast.get_docstring(tree) or "").endswith(".")
        assert len(tree.body) == 1, "importing a service's package runs no code"

    def test_its_name_is_one(self, folder: Path) -> None:
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", folder.name)
        name = folder.name.replace("_", "-")
        assert f'"{name}"' in "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))


@pytest.mark.parametrize(
    "folder", [one for one in FOLDERS if one.name.endswith("_sink")], ids=lambda folder: folder.name
)
def test_a_sink_has_its_store_in_one_module_and_its_mapping_in_others(folder: Path) -> None:
    trees = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in folder.glob("*.py")}
    assert "make_sink" in {node.name for node in trees["sink"].body if isinstance(node, ast.FunctionDef)}
    first_lines = [(ast.get_docstring(tree) or " ").splitlines()[0] for tree in trees.values()]
    assert any(line.endswith("Pure.") for line in first_lines)


def test_health_ports_are_distinct_and_those_of_the_brief() -> None:
    found = {folder.name: declared(folder)["port_offset"] for folder in FOLDERS}
    assert OFFSETS.items() <= found.items()
    assert len(set(found.values())) == len(found)
    assert not set(found.values()) & {92, 93, 54, 63, 87, 74, 80}, "these are the servers'"
